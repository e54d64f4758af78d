/** Every limit of the data host; the defaults are `DEFAULT_LIMITS`, and whoever starts the host may set others. */
export interface HostLimits {
  /** Longest run of a SQL statement that may take long; after it its process is killed (DB_QUERY_TIMEOUT). */
  readonly queryTimeoutMs: number;
  /** Rows of one answer, as JSON (DB_RESULT_TOO_LARGE). */
  readonly maxResultBytes: number;
  /** Rows of one answer to a call of the API (DB_RESULT_TOO_LARGE); a function's `DB` is held to the bytes alone. */
  readonly maxResultRows: number;
  /** One SQL statement. */
  readonly maxSqlBytes: number;
  /** Bound parameters of one statement. */
  readonly maxParameters: number;
  /** One value, and one row, of a user's database. */
  readonly maxValueBytes: number;
  /** Statements of one batch. */
  readonly maxBatchStatements: number;
  /** One database file. */
  readonly maxDatabaseBytes: number;
  /** Objects and bytes of SQL in one schema: reading it must stay a matter of milliseconds. */
  readonly maxSchemaObjects: number;
  readonly maxSchemaBytes: number;
  /** Writes and transactions waiting for one database (DB_OVERLOADED). */
  readonly maxWaitingWrites: number;
  /** Reads of one project waiting for a free process (DB_OVERLOADED). */
  readonly maxWaitingReads: number;
  /** Database files open in the host at once. */
  readonly maxOpenDatabases: number;
  /** An open database that nobody used for this long is closed. */
  readonly databaseIdleMs: number;
  /** Processes that run SQL of unknown length, of each kind: readers and writers. */
  readonly maxChildren: number;
  /** More of them, started only while all of those are stuck in long statements. */
  readonly maxOverflowChildren: number;
  /** Of those, at most this many work for one project. */
  readonly maxChildrenPerProject: number;
  /** A process without work for this long is stopped. */
  readonly childIdleMs: number;
  /** Memory that a SQL process may take for its data (Linux). */
  readonly childMemoryBytes: number;
  /** Longest lease of an interactive transaction. */
  readonly maxTransactionMs: number;
  /** Longest run of one step of an export, import or VACUUM. */
  readonly maintenanceTimeoutMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: HostLimits = {
  queryTimeoutMs: 10_000,
  maxResultBytes: 32 * MIB,
  maxResultRows: 50_000,
  maxSqlBytes: 100_000,
  maxParameters: 100,
  maxValueBytes: 2_000_000,
  maxBatchStatements: 1_000,
  maxDatabaseBytes: 10 * 1024 * MIB,
  maxSchemaObjects: 5_000,
  maxSchemaBytes: 2 * MIB,
  maxWaitingWrites: 2_000,
  maxWaitingReads: 1_000,
  maxOpenDatabases: 200,
  databaseIdleMs: 60_000,
  maxChildren: 4,
  maxOverflowChildren: 8,
  maxChildrenPerProject: 2,
  childIdleMs: 60_000,
  childMemoryBytes: 512 * MIB,
  maxTransactionMs: 5_000,
  maintenanceTimeoutMs: 120_000,
};
