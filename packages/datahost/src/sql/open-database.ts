import { renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { makeDurableDirectory, syncDirectory, syncFile } from "../files/durable-directory.ts";
import { Database, type SqliteDatabase } from "../state/sqlite-driver.ts";
import { COMMIT_LOG_SCHEMA } from "./commit-log.ts";

export const PAGE_BYTES = 4096;

export interface OpenDatabaseOptions {
  readonly path: string;
  readonly key: Uint8Array;
  readonly maxDatabaseBytes: number;
  /** How long a statement may wait for another process's lock: 0 where nothing may block. */
  readonly busyTimeoutMs: number;
  /** Decrypted pages kept in memory. */
  readonly cacheKib: number;
  /**
   * "each-commit" syncs the log inside COMMIT. "by-caller" leaves that to who commits: nothing may be acknowledged before
   * the log was synced.
   */
  readonly sync: "each-commit" | "by-caller";
  readonly queryOnly?: boolean;
}

/**
 * Opens a user's database: encrypted (a raw key, so there is nothing to stretch: 0.4 ms), in WAL mode, foreign keys on, and
 * with everything off that a file's content could use against the process. Checkpoints are made by the host alone.
 */
export function openDatabase(options: OpenDatabaseOptions): SqliteDatabase {
  const db = new Database(options.path, { fileMustExist: true, timeout: options.busyTimeoutMs });
  try {
    unlock(db, options.key);
    db.pragma(`synchronous = ${options.sync === "each-commit" ? "FULL" : "NORMAL"}`);
    db.pragma("foreign_keys = ON");
    db.pragma("trusted_schema = OFF");
    db.pragma("cell_size_check = ON");
    // Temporary files would lie on the disk in the clear.
    db.pragma("temp_store = MEMORY");
    db.pragma("secure_delete = FAST");
    db.pragma("wal_autocheckpoint = 0");
    db.pragma(`cache_size = ${-options.cacheKib}`);
    db.pragma(`max_page_count = ${Math.floor(options.maxDatabaseBytes / PAGE_BYTES)}`);
    if (options.queryOnly) db.pragma("query_only = ON");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Makes the file with the platform's own table in it. Under another name first, and renamed when it is complete and on the
 * disk: after a crash the database is there as a whole or not at all.
 */
export function createDatabase(path: string, key: Uint8Array): void {
  makeDurableDirectory(dirname(path));
  const unfinished = `${path}${UNFINISHED_ENDING}`;
  rmSync(unfinished, { force: true });
  const db = new Database(unfinished);
  try {
    unlock(db, key);
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma("journal_mode = OFF");
    db.pragma("synchronous = OFF");
    db.exec(COMMIT_LOG_SCHEMA);
    db.pragma("journal_mode = WAL");
  } finally {
    db.close();
  }
  syncFile(unfinished);
  renameSync(unfinished, path);
  syncDirectory(dirname(path));
}

const UNFINISHED_ENDING = ".new";

function unlock(db: SqliteDatabase, key: Uint8Array): void {
  db.pragma("cipher = 'aegis'");
  db.pragma(`key = "x'${Buffer.from(key).toString("hex")}'"`);
}
