import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { applyMigrations } from "./apply-migrations.ts";
import { Database, type SqliteDatabase } from "./sqlite-driver.ts";

export interface EncryptedDatabaseOptions {
  readonly path: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** SQL of each schema version in order; never changed once released, only added to. */
  readonly migrations: readonly string[];
}

const DIRECTORY_MODE = 0o700;
const KEY_BYTES = 32;
/** Negative: in KiB. Pages are kept decrypted, so the cache is what makes encrypted reads cheap. */
const CACHE_KIB = -2048;
/** A large value may blow the write-ahead log up; it is cut back to this after a checkpoint. */
const MAX_IDLE_WAL_BYTES = 16 * 1024 * 1024;

/**
 * Opens (or creates) an encrypted SQLite file that survives a crash of process or machine with everything that was
 * committed: write-ahead log, synced at each commit. One connection per file; nobody else may open it.
 */
export function openEncryptedDatabase({ path, key, migrations }: EncryptedDatabaseOptions): SqliteDatabase {
  if (key.length !== KEY_BYTES) throw new Error(`a database key has ${KEY_BYTES} bytes, not ${key.length}`);
  const isNew = !existsSync(path);
  if (isNew) makeDurableDirectory(dirname(path));
  const db = new Database(path);
  try {
    db.pragma("cipher = 'aegis'");
    // A raw key: it is random already, so there is no passphrase to stretch (0.3 ms to open instead of 26).
    db.pragma(`key = "x'${Buffer.from(key).toString("hex")}'"`);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma(`cache_size = ${CACHE_KIB}`);
    db.pragma(`journal_size_limit = ${MAX_IDLE_WAL_BYTES}`);
    // Temporary files would lie on the disk in the clear.
    db.pragma("temp_store = MEMORY");
    applyMigrations(db, migrations);
    if (isNew) syncDirectory(dirname(path));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Makes a directory and the ones above it, each entered durably in its parent. */
function makeDurableDirectory(path: string): void {
  const highest = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  if (highest === undefined) return;
  for (let made = path; made.length >= highest.length; made = dirname(made)) syncDirectory(dirname(made));
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
