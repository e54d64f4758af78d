import { z } from "zod";

/** UTC, ISO 8601 with milliseconds: every time that an interface of the platform shows. */
export const timestampSchema = z.iso.datetime().describe("UTC, ISO 8601");

/** A name that people choose: shown, never used to address something. */
export function displayNameSchema(minimumLength: number) {
  return (
    z
      .string()
      .trim()
      .min(minimumLength)
      .max(100)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
      .regex(/^[^\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]*$/u, "A name has no control characters.")
  );
}

const MAX_PAGE_SIZE = 200;
const DEFAULT_PAGE_SIZE = 50;

/** Query parameters of every list. */
export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE),
  cursor: z.string().max(500).optional().describe("`nextCursor` of the page before"),
});
export type PageQuery = z.infer<typeof pageQuerySchema>;

export const nextCursorSchema = z.string().nullable().describe("Asks for the next page; null on the last");

/** `{ "success": true }`: what an action without a result answers, because clients read JSON from every answer. */
export const successSchema = z.object({ success: z.literal(true) });

/** The error of management addresses (`/api/v1/*`). */
export const errorResponseSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
    fix: z.string(),
    requestId: z.string(),
  }),
});
