import { AerostackError } from "@aerostack/contracts/errors";
import { arrangeValues, layOutParameters } from "../sql/parameters.ts";
import { splitStatements } from "../sql/split-statements.ts";
import { toQueryError, wrongParameterCount } from "../sql/sqlite-errors.ts";
import { tokenize } from "../sql/tokenizer.ts";
import { Database, type SqliteDatabase } from "../state/sqlite-driver.ts";
import type { BoundStatement, DatabaseAddress, SqlEngine, SqlResult } from "./sql-engine.ts";

/** A small engine for tests: real SQLite in memory, one connection per database, and leases that end when a test says so. */
export interface TestEngine extends SqlEngine {
  /** Ends every open transaction as its lease would. */
  expireTransactions(): void;
  readonly openTransactions: number;
  /** Leases that were asked for, in their order. */
  readonly leases: readonly number[];
  /** Makes the next statement fail with this instead of running. */
  failNext(error: unknown): void;
  close(): void;
}

interface TestDatabase {
  readonly sqlite: SqliteDatabase;
  commits: number;
  /** Resolves when nobody works on the connection. */
  idle: Promise<void>;
}

interface OpenTransaction {
  readonly projectId: string;
  readonly database: TestDatabase;
  readonly release: () => void;
}

export function createTestEngine(): TestEngine {
  const databases = new Map<string, TestDatabase>();
  const transactions = new Map<string, OpenTransaction>();
  const leases: number[] = [];
  let failure: { readonly error: unknown } | undefined;
  let lastTransaction = 0;

  function open({ projectId, database }: DatabaseAddress): TestDatabase {
    const name = `${projectId}/${database}`;
    let found = databases.get(name);
    if (found === undefined) {
      const sqlite = new Database(":memory:");
      sqlite.pragma("foreign_keys = ON");
      found = { sqlite, commits: 0, idle: Promise.resolve() };
      databases.set(name, found);
    }
    return found;
  }

  async function occupy(database: TestDatabase): Promise<() => void> {
    const before = database.idle;
    const { promise, resolve } = Promise.withResolvers<void>();
    database.idle = promise;
    await before;
    return resolve;
  }

  async function alone<T>(address: DatabaseAddress, work: (database: TestDatabase) => T): Promise<T> {
    const database = open(address);
    const release = await occupy(database);
    try {
      return work(database);
    } catch (error) {
      throw toQueryError(error);
    } finally {
      release();
    }
  }

  function run(database: TestDatabase, statement: BoundStatement): SqlResult {
    if (failure !== undefined) {
      const { error } = failure;
      failure = undefined;
      throw error;
    }
    return runStatement(database, statement);
  }

  function take(transactionId: string, projectId: string): OpenTransaction {
    const transaction = transactions.get(transactionId);
    if (transaction === undefined || transaction.projectId !== projectId) {
      throw new AerostackError("DB_TRANSACTION_EXPIRED");
    }
    return transaction;
  }

  function end(transactionId: string, transaction: OpenTransaction, how: "COMMIT" | "ROLLBACK"): void {
    transactions.delete(transactionId);
    transaction.database.sqlite.exec(how);
    transaction.release();
  }

  return {
    query: (address, statement) => alone(address, (database) => run(database, statement)),
    batch: (address, statements) =>
      alone(address, (database) =>
        database.sqlite.transaction(() => statements.map((statement) => run(database, statement)))(),
      ),
    exec: (address, sql) =>
      alone(address, (database) => {
        const statements = splitStatements(sql);
        if (statements.length === 0)
          throw new AerostackError("DB_QUERY_FAILED", { message: "No SQL statements detected." });
        database.sqlite.transaction(() => {
          for (const statement of statements) run(database, { sql: statement.sql, params: [] });
        })();
        return { count: statements.length, durationMs: 1 };
      }),
    dump: (address) => alone(address, (database) => database.sqlite.serialize()),

    async begin(address, leaseMs) {
      leases.push(leaseMs);
      const database = open(address);
      const release = await occupy(database);
      database.sqlite.exec("BEGIN IMMEDIATE");
      const transactionId = `tx_${++lastTransaction}`;
      transactions.set(transactionId, { projectId: address.projectId, database, release });
      return { transactionId };
    },
    async txQuery(transactionId, projectId, statement) {
      try {
        return run(take(transactionId, projectId).database, statement);
      } catch (error) {
        throw toQueryError(error);
      }
    },
    async txCommit(transactionId, projectId) {
      end(transactionId, take(transactionId, projectId), "COMMIT");
    },
    async txRollback(transactionId, projectId) {
      end(transactionId, take(transactionId, projectId), "ROLLBACK");
    },

    expireTransactions() {
      for (const [id, transaction] of [...transactions]) end(id, transaction, "ROLLBACK");
    },
    get openTransactions() {
      return transactions.size;
    },
    leases,
    failNext(error) {
      failure = { error };
    },
    close() {
      for (const { sqlite } of databases.values()) sqlite.close();
    },
  };
}

function runStatement(database: TestDatabase, { sql, params }: BoundStatement): SqlResult {
  const { sqlite } = database;
  const statement = sqlite.prepare(sql);
  const layout = layOutParameters([...tokenize(sql)]);
  if (params.length !== layout.count) throw wrongParameterCount();
  const values = arrangeValues(layout, [...params]);
  const before = sqlite.prepare("SELECT total_changes()").pluck().get() as number;
  const rows = statement.reader ? (statement.raw().all(...values) as unknown[][]) : [];
  if (!statement.reader) statement.run(...values);
  const after = sqlite.prepare("SELECT total_changes(), last_insert_rowid()").raw().get() as [number, number];
  const changes = after[0] - before;
  if (!statement.readonly) database.commits++;
  return {
    columns: statement.reader ? statement.columns().map((column) => column.name) : [],
    rows,
    meta: {
      durationMs: 0.25,
      changes,
      lastRowId: after[1],
      rowsRead: rows.length,
      rowsWritten: changes,
      changedDb: !statement.readonly,
      sizeAfterBytes: 8192,
      commitSequence: database.commits,
    },
  };
}
