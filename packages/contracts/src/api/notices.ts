import { z } from "zod";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";

export const noticeSchema = z.object({
  id: z.string(),
  template: z.string().describe("What it is about, such as `new-device`"),
  severity: z.enum(["info", "warning", "critical"]),
  title: z.string(),
  text: z.string().describe("Plain text; paragraphs are separated by an empty line"),
  page: z.string().nullable().describe("The page of the dashboard that it leads to"),
  createdAt: timestampSchema,
  readAt: timestampSchema.nullable(),
});
export type Notice = z.infer<typeof noticeSchema>;

export const listNoticesQuerySchema = pageQuerySchema.extend({
  unread: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .describe("`true`: only notices that were not read"),
});
export const listNoticesResponseSchema = z.object({
  notices: z.array(noticeSchema),
  unreadCount: z.int().describe("Of all notices, not of this page"),
  nextCursor: nextCursorSchema,
});
export const noticeParamsSchema = z.object({ notice: z.string().min(1).max(100) });
export const noticeResponseSchema = z.object({ notice: noticeSchema });
