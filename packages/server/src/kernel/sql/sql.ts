import type { Kysely } from "kysely";

/**
 * The control plane's SQL, the same on SQLite and PostgreSQL. What differs between them is in this folder and nowhere
 * else. Conventions: ids and names are text that sorts by byte on both; times are whole milliseconds since the Unix
 * epoch; booleans are 0 and 1; JSON is text.
 */
export type SqlDialect = "sqlite" | "postgres";

export type SqlValue = string | number | null;

export interface Sql<Tables> {
  readonly dialect: SqlDialect;
  readonly db: Kysely<Tables>;
  /**
   * Runs `work` in a serialisable transaction and repeats it, up to `MAX_TRANSACTION_ATTEMPTS` times, when the database
   * reports a conflict: `work` does nothing outside the database. Inside it only the given handle is used; on SQLite a
   * statement on `db` would wait for the transaction to end, for ever.
   */
  transaction<Result>(work: (trx: Kysely<Tables>) => Promise<Result>): Promise<Result>;
  /** Inserts rows by one statement, whatever their number; all rows have the columns of the first. */
  insertMany<Table extends keyof Tables & string>(
    table: Table,
    rows: readonly Readonly<Record<string, SqlValue>>[],
    options?: InsertManyOptions<Tables>,
  ): Promise<void>;
  /** The same connection seen with other tables: each capability sees its own. */
  withTables<Other>(): Sql<Other>;
  close(): Promise<void>;
}

export interface InsertManyOptions<Tables> {
  readonly trx?: Kysely<Tables>;
  /** True: a row that breaks a unique constraint is left out instead of failing all. */
  readonly ignoreDuplicates?: boolean;
}
