import { AerostackError } from "@aerostack/contracts/errors";
import type { BindValue } from "./parameters.ts";

/**
 * How a caller's numbers become SQLite's. D1 binds every number as REAL (`typeof(?)` is 'real' for 1), so an unmodified
 * Worker gets that; calls from the platform's own interfaces bind whole numbers as INTEGER.
 */
export type NumberBinding = "real" | "integer";

/**
 * Values as they arrive in JSON: text, numbers, booleans (0 or 1), null, and bytes as `{ $bytes: base64 }` or, from D1, as
 * a list of numbers.
 *
 * @throws AerostackError DB_QUERY_FAILED for anything else, and for values over the limit (SQLITE_TOOBIG).
 */
export function toBindValues(values: readonly unknown[], numbers: NumberBinding, maxValueBytes: number): BindValue[] {
  const bound = new Array<BindValue>(values.length);
  for (let at = 0; at < values.length; at++) bound[at] = toBindValue(values[at], numbers, maxValueBytes);
  return bound;
}

function toBindValue(value: unknown, numbers: NumberBinding, maxValueBytes: number): BindValue {
  switch (typeof value) {
    case "string":
      if (value.length * 3 > maxValueBytes && Buffer.byteLength(value) > maxValueBytes) throw tooBig();
      return value;
    case "number":
      return numbers === "integer" && Number.isSafeInteger(value) ? BigInt(value) : value;
    case "boolean":
      return numbers === "integer" ? BigInt(value) : Number(value);
    case "object":
      if (value === null) return null;
      return toBytes(value, maxValueBytes);
    default:
      throw unsupported(typeof value);
  }
}

function toBytes(value: object, maxValueBytes: number): Buffer {
  if (Buffer.isBuffer(value)) {
    if (value.length > maxValueBytes) throw tooBig();
    return value;
  }
  if (Array.isArray(value)) {
    if (value.length > maxValueBytes) throw tooBig();
    if (!value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) throw unsupported("object");
    return Buffer.from(value as number[]);
  }
  const base64 = (value as { $bytes?: unknown }).$bytes;
  if (typeof base64 !== "string") throw unsupported("object");
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length > maxValueBytes) throw tooBig();
  return bytes;
}

function unsupported(type: string): AerostackError {
  return new AerostackError("DB_QUERY_FAILED", {
    message: `Type '${type}' not supported for a bound value.`,
    fix: "Bind text, numbers, booleans, null or bytes.",
  });
}

/** SQLite's own words for a value over its limit. */
export const TOO_BIG_MESSAGE = "string or blob too big";

export function tooBig(): AerostackError {
  return new AerostackError("DB_QUERY_FAILED", {
    message: TOO_BIG_MESSAGE,
    details: { sqliteCode: "SQLITE_TOOBIG", extendedCode: "SQLITE_TOOBIG" },
    fix: "Keep each value and each row under two megabytes; put larger ones in object storage.",
  });
}

/** Bytes that the bound values take, roughly. */
export function sizeOfValues(values: readonly BindValue[]): number {
  let bytes = 0;
  for (const value of values) bytes += typeof value === "string" || Buffer.isBuffer(value) ? value.length : 8;
  return bytes;
}
