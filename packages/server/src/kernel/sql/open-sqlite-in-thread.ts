import { Worker } from "node:worker_threads";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { createSql } from "./create-sql.ts";
import { SqliteOpenError, type SqliteOptions } from "./encrypted-file.ts";
import { createSqliteInsertMany } from "./insert-many.ts";
import type { Sql } from "./sql.ts";
import { TransactionalSqliteAdapter } from "./sqlite-adapter.ts";
import type { ThreadAnswer, ThreadError, ThreadOpened, ThreadRequest, ThreadResult } from "./sqlite-thread-messages.ts";

const FILE = new URL("./sqlite-thread.ts", import.meta.url);

/** Omit, of each member of a union by itself. */
type WithoutId<Request> = Request extends unknown ? Omit<Request, "id"> : never;

interface DatabaseThread {
  ask(request: WithoutId<ThreadRequest>): Promise<ThreadResult>;
  /** Ends the thread after what it was asked before. */
  close(): Promise<void>;
}

/**
 * An encrypted SQLite file in a thread of its own: for tables that are written much or read long. Neither its statements
 * nor its checkpoints take time from requests, and a row to insert costs them less than a microsecond.
 *
 * @throws SqliteOpenError
 */
export async function openSqliteInThread(options: SqliteOptions): Promise<Sql<unknown>> {
  const thread = await startThread(options);
  const db = new Kysely<unknown>({ dialect: dialectOf(thread) });
  return createSql(db, {
    dialect: "sqlite",
    insertMany: createSqliteInsertMany(async (batch) => void (await thread.ask({ kind: "insert", batch }))),
    async close() {
      await db.destroy();
      await thread.close();
    },
  });
}

async function startThread(options: SqliteOptions): Promise<DatabaseThread> {
  const worker = new Worker(FILE, { execArgv: [], env: {}, workerData: options, name: options.logicalName });
  const waiting = new Map<number, PromiseWithResolvers<ThreadResult>>();
  let lastId = 0;
  let ended: Error | undefined;
  const opened = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  const fail = (error: Error): void => {
    ended ??= error;
    opened.reject(error);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("error", (error: Error) => fail(error));
  worker.on("exit", (code) => {
    fail(new Error(`the thread of ${options.logicalName} ended with ${code}`));
    exited.resolve();
  });
  worker.on("message", (message: ThreadOpened | ThreadAnswer) => {
    if ("opened" in message) {
      if (message.opened) opened.resolve();
      else fail(errorOf(message.error));
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if ("result" in message) call?.resolve(message.result);
    else call?.reject(errorOf(message.error));
  });
  await opened.promise;

  const ask: DatabaseThread["ask"] = (request) => {
    if (ended !== undefined) return Promise.reject(ended);
    const id = ++lastId;
    const call = Promise.withResolvers<ThreadResult>();
    waiting.set(id, call);
    worker.postMessage({ ...request, id });
    return call.promise;
  };
  return {
    ask,
    async close() {
      if (ended === undefined) await ask({ kind: "close" });
      await exited.promise;
    },
  };
}

function errorOf({ message, code }: ThreadError): Error {
  if (code === SqliteOpenError.name) return new SqliteOpenError(message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function dialectOf(thread: DatabaseThread): Dialect {
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => createDriver(thread),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** One connection; Kysely gives it to one at a time. */
function createDriver(thread: DatabaseThread): Driver {
  const connection: DatabaseConnection = {
    executeQuery: async <Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> => {
      const { rows, changes, lastInsertRowid } = await thread.ask({ kind: "query", sql, parameters });
      return {
        rows: rows as Row[],
        ...(changes === null ? {} : { numAffectedRows: BigInt(changes) }),
        ...(lastInsertRowid === null ? {} : { insertId: BigInt(lastInsertRowid) }),
      };
    },
    streamQuery() {
      throw new Error("rows are not streamed between threads: ask for a page");
    },
  };
  const execute = async (text: string): Promise<void> => {
    await connection.executeQuery(CompiledQuery.raw(text));
  };
  return {
    async init() {},
    acquireConnection: async () => connection,
    async releaseConnection() {},
    beginTransaction: () => execute("begin"),
    commitTransaction: () => execute("commit"),
    rollbackTransaction: () => execute("rollback"),
    async destroy() {},
  };
}
