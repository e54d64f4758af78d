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

/** A thread takes some 40 MB; a server that nobody calls has none. */
const IDLE_MS = 30_000;

/**
 * An encrypted SQLite file in a thread of its own: for tables that are written much or read long. Neither its statements
 * nor its checkpoints take time from requests, and a row to insert costs them less than a microsecond. The thread starts
 * with the first statement and ends when there is none for a while; statements reject with a `SqliteOpenError` where the
 * file cannot be opened.
 */
export function openSqliteInThread(options: SqliteOptions, { idleMs = IDLE_MS } = {}): Sql<unknown> {
  const threads = createThreads(options, idleMs);
  const db = new Kysely<unknown>({ dialect: dialectOf(threads) });
  return createSql(db, {
    dialect: "sqlite",
    insertMany: createSqliteInsertMany(async (batch) => void (await threads.ask({ kind: "insert", batch }))),
    async close() {
      await db.destroy();
      await threads.close();
    },
  });
}

/** One thread at a time, while somebody has the connection and a while longer. */
function createThreads(options: SqliteOptions, idleMs: number) {
  let current: Promise<DatabaseThread> | undefined;
  let ending: Promise<void> = Promise.resolve();
  let users = 0;
  let timer: NodeJS.Timeout | undefined;

  function end(): Promise<void> {
    clearTimeout(timer);
    const thread = current;
    current = undefined;
    // A file that could not be opened has been told to whoever asked.
    if (thread !== undefined) ending = thread.then((started) => started.close()).catch(() => {});
    return ending;
  }

  return {
    enter(): void {
      users++;
      clearTimeout(timer);
    },
    leave(): void {
      users--;
      if (users === 0) timer = setTimeout(end, idleMs).unref();
    },
    async ask(request: WithoutId<ThreadRequest>): Promise<ThreadResult> {
      current ??= ending.then(() => startThread(options, () => (current = undefined)));
      return (await current).ask(request);
    },
    close: end,
  };
}

type Threads = ReturnType<typeof createThreads>;

/** @param onEnd told when it ends by itself, or cannot begin */
async function startThread(options: SqliteOptions, onEnd: () => void): Promise<DatabaseThread> {
  const worker = new Worker(FILE, { execArgv: [], env: {}, workerData: options, name: options.logicalName });
  const waiting = new Map<number, PromiseWithResolvers<ThreadResult>>();
  let lastId = 0;
  let ended: Error | undefined;
  const opened = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  let isClosing = false;
  const fail = (error: Error): void => {
    if (ended === undefined && !isClosing) onEnd();
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
    // A thread that works keeps the process alive, one that waits does not.
    if (waiting.size === 0) worker.unref();
    if ("result" in message) call?.resolve(message.result);
    else call?.reject(errorOf(message.error));
  });
  await opened.promise;
  worker.unref();

  const ask: DatabaseThread["ask"] = (request) => {
    if (ended !== undefined) return Promise.reject(ended);
    const id = ++lastId;
    const call = Promise.withResolvers<ThreadResult>();
    waiting.set(id, call);
    worker.ref();
    worker.postMessage({ ...request, id });
    return call.promise;
  };
  return {
    ask,
    async close() {
      isClosing = true;
      if (ended === undefined) await ask({ kind: "close" });
      worker.ref();
      await exited.promise;
    },
  };
}

function errorOf({ message, code }: ThreadError): Error {
  if (code === SqliteOpenError.name) return new SqliteOpenError(message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function dialectOf(threads: Threads): Dialect {
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => createDriver(threads),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** One connection; Kysely gives it to one at a time. */
function createDriver(threads: Threads): Driver {
  const connection: DatabaseConnection = {
    executeQuery: async <Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> => {
      const { rows, changes, lastInsertRowid } = await threads.ask({ kind: "query", sql, parameters });
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
    async acquireConnection() {
      threads.enter();
      return connection;
    },
    async releaseConnection() {
      threads.leave();
    },
    beginTransaction: () => execute("begin"),
    commitTransaction: () => execute("commit"),
    rollbackTransaction: () => execute("rollback"),
    async destroy() {},
  };
}
