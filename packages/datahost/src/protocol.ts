import type { SerialisedError } from "@aerostack/contracts/errors";
import type { WatchRequest } from "./changes/watches.ts";
import type { RpcBytes } from "./state/rpc-values.ts";

/**
 * What can be asked of the data host, and what it answers: one entry per method. Every failure is an AerostackError with a
 * code of `contracts`. Binary values travel as `{ $bytes: base64 }`.
 */

/** A value to bind. Whole numbers are bound as INTEGER, booleans as 0 or 1. */
export type SqlValue = string | number | boolean | null | RpcBytes;

/** A value in a row. Integers beyond 2^53 lose their last digits, as in D1. */
export type SqlCell = string | number | null | RpcBytes;

export interface SqlStatement {
  /** One statement, or several of which only the last may have parameters (its rows are the result). */
  readonly sql: string;
  /** In the order of SQLite's parameter numbers. */
  readonly params?: readonly SqlValue[];
}

export interface DatabaseScope {
  readonly projectId: string;
  /** A name of `resourceNameSchema`. The database is made when it is first used. */
  readonly database: string;
}

/**
 * "data" refuses whatever changes the schema (DB_STATEMENT_REFUSED); "full" allows it; "platform" may write the tables that
 * the platform keeps in a user's database, too.
 */
export type SqlMode = "platform" | "full" | "data";

export interface WriteIdentity {
  /** Chosen by the client of the data host: the host answers a repeat without writing twice. */
  readonly writeId?: string;
  /** Set where it is sent again because its answer was lost: when it was sent first, in milliseconds since the epoch. */
  readonly firstSentAt?: number;
}

export interface QueryMeta {
  readonly durationMs: number;
  /** Rows inserted, updated and deleted, by triggers and foreign-key actions too. */
  readonly changes: number;
  /** Of the last insert; 0 for a read. */
  readonly lastRowId: number;
  /** Rows given back. SQLite's driver does not tell how many were looked at and passed over. */
  readonly rowsRead: number;
  /** `changes`, and the index entries made for each of them. */
  readonly rowsWritten: number;
  readonly changedDb: boolean;
  readonly sizeAfterBytes: number;
}

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlCell[])[];
  readonly meta: QueryMeta;
}

export interface BatchItemError {
  readonly error: SerialisedError;
}

export interface DatabaseInfo {
  readonly name: string;
  /** Of the main file; what was written last may still be in the log beside it. */
  readonly sizeBytes: number;
}

export interface HostStats {
  readonly uptimeMs: number;
  readonly openDatabases: number;
  readonly waitingWrites: number;
  readonly waitingReads: number;
  readonly readers: number;
  readonly writers: number;
  readonly transactions: number;
  readonly grants: number;
  readonly memoryBytes: number;
  /** Statements run in the host itself, and in processes of their own. */
  readonly inlineStatements: number;
  readonly childStatements: number;
  readonly killedStatements: number;
  readonly commits: number;
}

/** Methods of the SQL engine and of the host itself; `HostMethods` adds those of the key-value, queue and object stores. */
export interface DatabaseMethods {
  "db.query": {
    params: DatabaseScope & SqlStatement & WriteIdentity & { readonly mode?: SqlMode };
    result: QueryResult;
  };
  /** Atomic: all or none, the first failure is thrown. Otherwise each on its own, with an error in its place. */
  "db.batch": {
    params: DatabaseScope &
      WriteIdentity & {
        /** A statement's own mode counts instead of the batch's: others' SQL among the platform's. */
        readonly statements: readonly (SqlStatement & { readonly mode?: SqlMode })[];
        readonly atomic: boolean;
        readonly mode?: SqlMode;
      };
    result: { readonly results: readonly (QueryResult | BatchItemError)[] };
  };
  /** A text of many statements, without parameters, atomic. */
  "db.exec": {
    params: DatabaseScope & WriteIdentity & { readonly sql: string; readonly mode?: SqlMode };
    result: { readonly count: number; readonly durationMs: number };
  };
  "db.list": { params: { readonly projectId: string }; result: { readonly databases: readonly DatabaseInfo[] } };
  "db.delete": { params: DatabaseScope; result: null };
  /** SQL text of the whole database, piece by piece, all of one moment. An export not asked for 30 s is dropped. */
  "db.export.open": { params: DatabaseScope; result: { readonly exportId: string } };
  "db.export.next": {
    params: { readonly exportId: string };
    result: { readonly text: string; readonly done: boolean };
  };
  "db.export.close": { params: { readonly exportId: string }; result: null };
  /** Runs a SQL text in one transaction; other writes of the database wait meanwhile. */
  "db.import.open": { params: DatabaseScope; result: { readonly importId: string } };
  "db.import.chunk": { params: { readonly importId: string; readonly text: string }; result: null };
  "db.import.commit": {
    params: { readonly importId: string } & WriteIdentity;
    result: { readonly count: number };
  };
  "db.import.abort": { params: { readonly importId: string }; result: null };

  "tx.begin": {
    params: DatabaseScope & { readonly leaseMs?: number; readonly mode?: SqlMode };
    result: { readonly transactionId: string; readonly leaseMs: number };
  };
  "tx.query": { params: { readonly transactionId: string } & SqlStatement; result: QueryResult };
  "tx.commit": { params: { readonly transactionId: string } & WriteIdentity; result: null };
  "tx.rollback": { params: { readonly transactionId: string }; result: null };

  /**
   * Every table of a database whose changes are told, as the event `db.changes` (`ChangesEvent`): in the order of the commits,
   * after each, none left out. In force when it resolves. No tables: nothing is told any more.
   */
  "changes.watch": { params: WatchRequest; result: { /** The last that was told. */ readonly seq: number } };
  /** The server has the changes up to this number. */
  "changes.ack": { params: DatabaseScope & { readonly seq: number }; result: null };

  "grants.register": { params: { readonly token: string; readonly projectId: string }; result: null };
  "grants.revoke": { params: { readonly token: string }; result: null };

  /** Everything that the project stored. */
  "project.delete": { params: { readonly projectId: string }; result: null };
  "host.stats": { params: Record<string, never>; result: HostStats };
  "host.ping": { params: Record<string, never>; result: { readonly pid: number } };
}
