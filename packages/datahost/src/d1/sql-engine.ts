import type { ResultsFormat } from "./results-format.ts";

/**
 * What the D1 binding needs of the engine that owns the databases. Every failure is an AerostackError: what SQLite itself
 * says is DB_QUERY_FAILED with its primary and exact result codes as `details.sqliteCode` ("SQLITE_CONSTRAINT") and
 * `details.extendedCode` ("SQLITE_CONSTRAINT_UNIQUE"), and the byte at which SQLite stopped reading as `details.offset`
 * where it is known.
 */
export interface SqlEngine {
  /** One statement. */
  query(
    address: DatabaseAddress,
    statement: BoundStatement,
    format: ResultsFormat,
  ): Promise<SqlResult | EncodedResults>;
  /** All or none; the failure of the first that fails is thrown. One result per statement, in their order. */
  batch(
    address: DatabaseAddress,
    statements: readonly BoundStatement[],
    format: ResultsFormat,
  ): Promise<readonly SqlResult[] | EncodedResults>;
  /**
   * A text of many statements without parameters; stops at the first that fails. `count` is how many there were. The error
   * may say in `details.line` (from 1) on which line of the text the failed one begins.
   */
  exec(address: DatabaseAddress, sql: string): Promise<ExecResult>;
  /** The database as a plain SQLite file, of one moment. */
  dump(address: DatabaseAddress): Promise<Uint8Array>;

  /** A transaction that is rolled back by itself after `leaseMs` (DB_TRANSACTION_EXPIRED from then on). */
  begin(address: DatabaseAddress, leaseMs: number): Promise<{ readonly transactionId: string }>;
  /** The transaction must be one of this project: the identifier comes from the function. */
  txQuery(
    transactionId: string,
    projectId: string,
    statement: BoundStatement,
    format: ResultsFormat,
  ): Promise<SqlResult | EncodedResults>;
  txCommit(transactionId: string, projectId: string): Promise<void>;
  txRollback(transactionId: string, projectId: string): Promise<void>;
}

export interface DatabaseAddress {
  readonly projectId: string;
  /** Name of the database within the project. */
  readonly database: string;
}

/** Numbers are to be bound as REAL, as D1 does: `typeof(?)` is 'real' for 1. */
export type BoundValue = string | number | null | Buffer;

export interface BoundStatement {
  readonly sql: string;
  /** In the order of SQLite's parameter numbers. */
  readonly params: readonly BoundValue[];
}

export interface SqlResult {
  readonly columns: readonly string[];
  /** Cells are text, numbers, null, bytes (Uint8Array), or bigint where the engine reads integers exactly. */
  readonly rows: readonly (readonly unknown[])[];
  readonly meta: SqlMeta;
}

/**
 * The whole answer of a request in the format it asked for, made by another process: passed on as it is, so that a result of
 * many megabytes does not keep the event loop.
 */
export interface EncodedResults {
  /** JSON, in UTF-8. */
  readonly json: Buffer;
  readonly durationMs: number;
  readonly commitSequence: number;
}

export interface SqlMeta {
  readonly durationMs: number;
  readonly changes: number;
  readonly lastRowId: number | bigint;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly changedDb: boolean;
  readonly sizeAfterBytes: number;
  /** Rises with every commit of the database, and never falls, not even over a restart: a session's bookmark. */
  readonly commitSequence: number;
}

export interface ExecResult {
  readonly count: number;
  readonly durationMs: number;
}
