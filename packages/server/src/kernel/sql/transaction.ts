import type { Kysely } from "kysely";
import type { SqlDialect } from "./sql.ts";

/** Attempts in all; conflicts that survive so many repeats are a hot row, which waiting longer does not cool. */
export const MAX_TRANSACTION_ATTEMPTS = 6;
const FIRST_DELAY_MS = 4;

export interface TransactionOptions {
  readonly dialect: SqlDialect;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Serialisable on both: SQLite has one writer, PostgreSQL is told to and asks for repeats. */
export async function runTransaction<Tables, Result>(
  db: Kysely<Tables>,
  options: TransactionOptions,
  work: (trx: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      const transaction = db.transaction();
      const isolated = options.dialect === "postgres" ? transaction.setIsolationLevel("serializable") : transaction;
      return await isolated.execute(work);
    } catch (error) {
      if (attempt >= MAX_TRANSACTION_ATTEMPTS || !isRepeatable(error)) throw error;
      // Full jitter, so that transactions that met once do not meet again.
      await options.sleep(options.random() * FIRST_DELAY_MS * 2 ** attempt);
    }
  }
}

const REPEATABLE_CODES = new Set([
  "40001", // PostgreSQL: serialization_failure
  "40P01", // PostgreSQL: deadlock_detected
  "SQLITE_BUSY",
  "SQLITE_BUSY_SNAPSHOT",
]);

function isRepeatable(error: unknown): boolean {
  return REPEATABLE_CODES.has(errorCode(error));
}

/** True when a statement failed because a row with the same unique value exists. */
export function isUniqueViolation(error: unknown): boolean {
  return ["23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"].includes(errorCode(error));
}

/** True when PostgreSQL refused a NUL character in a text, which SQLite would only not find. */
export function isUnstorableText(error: unknown): boolean {
  return errorCode(error) === "22021";
}

function errorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}
