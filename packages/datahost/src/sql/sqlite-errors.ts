import { AerostackError } from "@aerostack/contracts/errors";
import { TOO_BIG_MESSAGE, tooBig } from "./values.ts";

interface SqliteErrorLike {
  message: string;
  readonly code: string;
  /** Bytes from the start of the text to what it complains of; set by whoever finds it out, for the driver does not tell. */
  offset?: number;
}

/** An error that SQLite itself reported, told by its code. */
export function isSqliteError(error: unknown): error is SqliteErrorLike & Error {
  return (
    error instanceof Error && typeof (error as { code?: unknown }).code === "string" && error.name === "SqliteError"
  );
}

/** Another process holds the lock that the statement needs. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && (error.code.startsWith("SQLITE_BUSY") || error.code.startsWith("SQLITE_LOCKED"));
}

/** SQLite's primary codes are the first two words of an extended one, apart from these. */
function primaryCode(code: string): string {
  return code.split("_").slice(0, 2).join("_");
}

/**
 * What SQLite says, for its author to read: `details.sqliteCode` is the primary code, `details.extendedCode` the exact one.
 * Failures that are not the statement's fault (disk, corruption) keep SQLite's words as the cause only.
 */
export function toQueryError(error: unknown): unknown {
  if (!isSqliteError(error)) return error instanceof AerostackError ? error : toUsageError(error);
  if (error.message === TOO_BIG_MESSAGE) return tooBig();
  const sqliteCode = primaryCode(error.code);
  switch (sqliteCode) {
    case "SQLITE_NOMEM":
      return new AerostackError("DB_MEMORY_LIMIT", { cause: error });
    case "SQLITE_IOERR":
    case "SQLITE_CANTOPEN":
    case "SQLITE_CORRUPT":
    case "SQLITE_NOTADB":
    case "SQLITE_MISUSE":
    case "SQLITE_INTERNAL":
    case "SQLITE_PROTOCOL":
      return error;
    case "SQLITE_BUSY":
    case "SQLITE_LOCKED":
      return new AerostackError("DB_OVERLOADED", { cause: error, retryAfterSeconds: 1 });
    default:
      return new AerostackError("DB_QUERY_FAILED", {
        message: error.message,
        details: {
          sqliteCode,
          extendedCode: error.code,
          ...(error.offset === undefined ? {} : { offset: error.offset }),
        },
        cause: error,
      });
  }
}

/** The driver's own complaints about a statement or its values. */
function toUsageError(error: unknown): unknown {
  if (!(error instanceof RangeError || error instanceof TypeError)) return error;
  if (/parameter|bind/i.test(error.message)) return wrongParameterCount(error);
  if (/more than one statement|contains no statements/.test(error.message)) {
    return new AerostackError("DB_QUERY_FAILED", { message: error.message, cause: error });
  }
  return error;
}

/** In D1's words. */
export function wrongParameterCount(cause?: unknown): AerostackError {
  return new AerostackError("DB_QUERY_FAILED", {
    message: "Wrong number of parameter bindings for SQL query.",
    fix: "Bind exactly one value for each parameter of the statement.",
    cause,
  });
}
