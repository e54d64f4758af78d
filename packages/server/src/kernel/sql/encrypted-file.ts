import { deriveKey } from "@aerostack/kernel";
import type { MasterKey } from "../secrets.ts";
import { StartError } from "../start-error.ts";
import { Database } from "./sqlite-driver.ts";

export interface SqliteOptions {
  readonly path: string;
  /** Names the file in the derivation of its key; a file moved elsewhere keeps it. */
  readonly logicalName: string;
  /** Newest first. A file under an older key is re-encrypted under the newest when it is opened. */
  readonly masterKeys: readonly MasterKey[];
  /** FULL: a commit survives a power cut. NORMAL: it survives a crash of the process, and the last ones may miss a power cut. */
  readonly synchronous: "FULL" | "NORMAL";
}

/** How long to wait for another process that still holds the file, such as a server that is draining. */
const BUSY_TIMEOUT_MS = 5_000;
const CACHE_KIBIBYTES = 4_096;

/** The file belongs to a server that runs, or none of the master keys opens it. */
export class SqliteOpenError extends StartError {
  override readonly name = "SqliteOpenError";
}

/**
 * Opens or makes an encrypted SQLite file for this process alone: two servers on one data folder would each believe that
 * their caches are true.
 *
 * @throws SqliteOpenError
 */
export function openEncryptedFile(options: SqliteOptions): Database {
  const [newest, ...older] = options.masterKeys;
  if (newest === undefined) throw new Error("an encrypted file needs a master key");
  const database = tryKey(options, newest);
  if (database !== undefined) return database;
  for (const key of older) {
    const found = tryKey(options, key);
    if (found === undefined) continue;
    reencrypt(found, fileKey(options, newest));
    const reopened = tryKey(options, newest);
    if (reopened !== undefined) return reopened;
  }
  throw new SqliteOpenError(`${options.path} is not readable with the master keys of secrets.json.`);
}

function fileKey(options: SqliteOptions, key: MasterKey): string {
  return deriveKey(key.key, `file/${options.logicalName}`).toString("hex");
}

/** @returns undefined when the file is encrypted with another key. */
function tryKey(options: SqliteOptions, key: MasterKey): Database | undefined {
  const database = new Database(options.path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.pragma("cipher = 'aegis'");
    database.pragma(`key = "x'${fileKey(options, key)}'"`);
    database.pragma("locking_mode = EXCLUSIVE");
    database.pragma("journal_mode = WAL");
    database.pragma(`synchronous = ${options.synchronous}`);
    database.pragma("foreign_keys = ON");
    database.pragma(`cache_size = -${CACHE_KIBIBYTES}`);
    // The lock is taken by the first write; taking it here makes a second server fail now and not later.
    database.exec("begin immediate; commit");
    return database;
  } catch (error) {
    database.close();
    const code = (error as { code?: string }).code;
    if (code === "SQLITE_NOTADB") return undefined;
    if (code === "SQLITE_BUSY") {
      throw new SqliteOpenError(`${options.path} is in use: another server runs on this data folder.`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** The cipher can be changed outside WAL mode only. */
function reencrypt(database: Database, hexKey: string): void {
  try {
    database.pragma("journal_mode = DELETE");
    database.pragma(`rekey = "x'${hexKey}'"`);
  } finally {
    database.close();
  }
}
