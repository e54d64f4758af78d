import { AerostackError } from "@aerostack/contracts/errors";

/**
 * The text that D1's client puts behind "D1_ERROR: ". What SQLite says is worded as D1 words it, as in
 * `no such table: nope: SQLITE_ERROR` or `UNIQUE constraint failed: t.email: SQLITE_CONSTRAINT (extended:
 * SQLITE_CONSTRAINT_UNIQUE)` (compared with workerd 2026-08); every other failure begins with its code, as in
 * `DB_QUERY_TIMEOUT: …`.
 */
export function d1ErrorText(error: AerostackError): string {
  if (error.code !== "DB_QUERY_FAILED") return `${error.code}: ${error.message}`;
  const sqliteCode = error.details?.sqliteCode;
  if (typeof sqliteCode !== "string") return error.message;
  const offset = error.details?.offset;
  const place = typeof offset === "number" ? ` at offset ${offset}` : "";
  const extendedCode = error.details?.extendedCode;
  const extended =
    typeof extendedCode === "string" && extendedCode !== sqliteCode ? ` (extended: ${extendedCode})` : "";
  return `${error.message}${place}: ${sqliteCode}${extended}`;
}

/** What is not the caller's to know is told as INTERNAL_ERROR. */
export function toAerostackError(error: unknown): AerostackError {
  return error instanceof AerostackError ? error : new AerostackError("INTERNAL_ERROR", { cause: error });
}

export function malformed(message: string): AerostackError {
  return new AerostackError("REQUEST_MALFORMED", { message });
}

export function sqliteRefusal(message: string, sqliteCode: string): AerostackError {
  return new AerostackError("DB_QUERY_FAILED", { message, details: { sqliteCode, extendedCode: sqliteCode } });
}
