import { AerostackError, type ErrorCode } from "@aerostack/contracts";
import { isUnstorableText } from "../kernel/sql/index.ts";

/** An answer that says what went wrong, in the shape that the clients of its address parse. */
export interface RenderedError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface ErrorFacts {
  readonly error: AerostackError;
  readonly requestId: string;
}

// The generated SDKs refuse an answer whose code is not in their list, or that has a field more than these three.
const FLAT_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AUTH_INVALID_KEY",
  "AUTH_INVALID_CREDENTIALS",
  "DB_QUERY_FAILED",
  "RATE_LIMIT_EXCEEDED",
  "VALIDATION_ERROR",
  "INTERNAL_ERROR",
  "FORBIDDEN",
]);
/** The statuses at which those SDKs read the body at all. */
const STRICT_STATUSES: ReadonlyMap<number, ErrorCode> = new Map([
  [400, "VALIDATION_ERROR"],
  [401, "AUTH_INVALID_KEY"],
  [404, "VALIDATION_ERROR"],
  [409, "VALIDATION_ERROR"],
  [429, "RATE_LIMIT_EXCEEDED"],
  [500, "INTERNAL_ERROR"],
]);

/**
 * `/v1/*` and `/internal/*`: exactly `{code, message, details?}`; a code of ours that the SDKs do not know moves to
 * `details.code`.
 */
function flatShape({ error, requestId }: ErrorFacts) {
  const substitute = STRICT_STATUSES.get(error.status);
  const code = substitute === undefined || FLAT_CODES.has(error.code) ? error.code : flatCode(error, substitute);
  const details = {
    ...error.details,
    ...(code === error.code ? {} : { code: error.code }),
    suggestion: error.fix,
    requestId,
  };
  return { code, message: error.message, details };
}

function flatCode(error: AerostackError, substitute: ErrorCode): ErrorCode {
  return error.code.startsWith("DB_") ? "DB_QUERY_FAILED" : substitute;
}

/** Addresses of the browser SDKs: `error` is a text, beside `message` and `code`. */
function textShape({ error, requestId }: ErrorFacts) {
  const field = firstField(error);
  return {
    error: error.message,
    message: error.message,
    code: error.code,
    ...(field === undefined ? {} : { field }),
    details: { ...error.details, suggestion: error.fix },
    fix: error.fix,
    requestId,
  };
}

/** The first field that the error is about. */
function firstField({ details }: AerostackError): string | undefined {
  const { fieldErrors } = details ?? {};
  return typeof fieldErrors === "object" && fieldErrors !== null ? Object.keys(fieldErrors)[0] : undefined;
}

/** Management addresses and the CLI: everything under `error`. */
function nestedShape({ error, requestId }: ErrorFacts) {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
      fix: error.fix,
      requestId,
    },
  };
}

type Shape = (facts: ErrorFacts) => unknown;

const SHAPES: readonly (readonly [prefix: string, shape: Shape])[] = [
  ["/v1/", flatShape],
  ["/internal/", flatShape],
  ["/api/v1/public/", textShape],
  ["/api/gateway/", textShape],
  ["/api/auth/", textShape],
];

/** Renders an error for the address that was asked. The cause is for the log and never part of it. */
export function renderError(path: string, error: AerostackError, requestId: string): RenderedError {
  const shape = SHAPES.find(([prefix]) => path.startsWith(prefix))?.[1] ?? nestedShape;
  return {
    status: error.status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      ...(error.retryAfterSeconds === undefined ? {} : { "retry-after": String(error.retryAfterSeconds) }),
    },
    body: JSON.stringify(shape({ error, requestId })),
  };
}

/** Anything thrown, as an error that may be shown: a defect becomes INTERNAL_ERROR with the defect as its cause. */
export function toAerostackError(thrown: unknown): AerostackError {
  if (thrown instanceof AerostackError) return thrown;
  if (isUnstorableText(thrown))
    return new AerostackError("VALIDATION_ERROR", { message: "A text holds a NUL character." });
  return new AerostackError("INTERNAL_ERROR", { cause: thrown });
}
