// A thread that holds one SQLite file and does what it is asked, in order.
import { parentPort, workerData } from "node:worker_threads";
import { openEncryptedFile, SqliteOpenError, type SqliteOptions } from "./encrypted-file.ts";
import type { Database } from "./sqlite-driver.ts";
import { insertOnSqlite } from "./sqlite-insert.ts";
import type { ThreadError, ThreadOpened, ThreadRequest, ThreadResult } from "./sqlite-thread-messages.ts";

const NOTHING: ThreadResult = { rows: [], changes: null, lastInsertRowid: null };

function run(database: Database, request: ThreadRequest): ThreadResult {
  switch (request.kind) {
    case "query": {
      const statement = database.prepare(request.sql);
      if (statement.reader) return { ...NOTHING, rows: statement.all(request.parameters) };
      const { changes, lastInsertRowid } = statement.run(request.parameters);
      return { rows: [], changes, lastInsertRowid };
    }
    case "insert":
      insertOnSqlite(database, request.batch);
      return NOTHING;
    case "close":
      database.close();
      return NOTHING;
    default:
      return request satisfies never;
  }
}

function describe(error: unknown): ThreadError {
  if (!(error instanceof Error)) return { message: String(error), code: undefined };
  return { message: error.message, code: "code" in error ? String(error.code) : undefined };
}

function open(options: SqliteOptions): void {
  let database: Database;
  try {
    database = openEncryptedFile(options);
  } catch (error) {
    const refused = error instanceof SqliteOpenError ? { ...describe(error), code: error.name } : describe(error);
    parentPort?.postMessage({ opened: false, error: refused } satisfies ThreadOpened);
    return;
  }
  parentPort?.on("message", (request: ThreadRequest) => {
    try {
      parentPort?.postMessage({ id: request.id, result: run(database, request) });
    } catch (error) {
      parentPort?.postMessage({ id: request.id, error: describe(error) });
    }
    if (request.kind === "close") parentPort?.close();
  });
  parentPort?.postMessage({ opened: true } satisfies ThreadOpened);
}

open(workerData as SqliteOptions);
