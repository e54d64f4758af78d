import { z } from "zod";
import { CliError } from "../command/cli-error.ts";
import type { ExitKind } from "../command/exit-code.ts";
import { printable } from "../output/printable.ts";

const nestedSchema = z.looseObject({
  error: z.looseObject({
    code: z.string().optional(),
    message: z.string().optional(),
    fix: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    requestId: z.string().optional(),
  }),
});
const flatSchema = z.looseObject({
  message: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
  code: z.string().optional(),
});

/** Longest part of a body that is not JSON shown in a message. */
const EXCERPT_CHARACTERS = 200;

interface Parsed {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly fix?: string | undefined;
  readonly details?: Record<string, unknown> | undefined;
  readonly requestId?: string | undefined;
}

function parseBody(body: string): Parsed {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { message: body.trim() === "" ? undefined : body.trim().slice(0, EXCERPT_CHARACTERS) };
  }
  const nested = nestedSchema.safeParse(json);
  if (nested.success) return nested.data.error;
  const flat = flatSchema.safeParse(json);
  if (!flat.success) return {};
  const { code, error, error_description: description, message } = flat.data;
  return { code: code ?? error, message: message ?? description ?? error };
}

function kindOf(status: number, code: string | undefined): ExitKind {
  if (status === 401 || (status === 403 && (code === undefined || code === "FORBIDDEN" || code.startsWith("AUTH_")))) {
    return "auth";
  }
  if (status === 404) return "notFound";
  if (status >= 500) return "server";
  return "failed";
}

function fieldErrors(details: Record<string, unknown> | undefined): string {
  const fields = z.record(z.string(), z.array(z.string())).safeParse(details?.fieldErrors);
  if (!fields.success) return "";
  return Object.entries(fields.data)
    .map(([field, reasons]) => `\n${field}: ${reasons.join(" ")}`)
    .join("");
}

/** The error that an answer outside 2xx stands for, whichever of the server's shapes its body has. */
export function errorFromAnswer(status: number, headers: Headers, body: string): CliError {
  const parsed = parseBody(body);
  const code = parsed.code ?? `HTTP_${status}`;
  const message = (parsed.message ?? `The server answered with status ${status}.`) + fieldErrors(parsed.details);
  const requestId = parsed.requestId ?? headers.get("x-request-id") ?? undefined;
  return new CliError(printable(message), {
    kind: kindOf(status, parsed.code),
    code: printable(code),
    ...(parsed.fix === undefined ? adviceFor(status) : { fix: printable(parsed.fix) }),
    ...(requestId === undefined ? {} : { requestId: printable(requestId) }),
    ...(parsed.details === undefined ? {} : { details: parsed.details }),
  });
}

function adviceFor(status: number): { fix?: string } {
  if (status === 401) return { fix: "Log in with `aerostack login`, or set AEROSTACK_API_KEY to a valid key." };
  return {};
}
