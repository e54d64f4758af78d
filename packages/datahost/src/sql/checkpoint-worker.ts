import { parentPort } from "node:worker_threads";
import { openDatabase } from "./open-database.ts";

/** Asks the thread to copy the log of a database into it; "truncate" also empties the log where nobody reads from it. */
export interface CheckpointRequest {
  readonly id: number;
  readonly path: string;
  readonly key: Uint8Array;
  readonly mode: "PASSIVE" | "TRUNCATE";
}

export interface CheckpointAnswer {
  readonly id: number;
  readonly error?: string;
}

const BUSY_TIMEOUT_MS = 500;
const CACHE_KIB = 512;

parentPort?.on("message", ({ id, path, key, mode }: CheckpointRequest) => {
  const answer = (error?: string) => parentPort?.postMessage(error === undefined ? { id } : { id, error });
  try {
    const db = openDatabase({
      path,
      key,
      maxDatabaseBytes: Number.MAX_SAFE_INTEGER / 1024,
      busyTimeoutMs: BUSY_TIMEOUT_MS,
      cacheKib: CACHE_KIB,
      sync: "each-commit",
    });
    try {
      db.pragma(`wal_checkpoint(${mode})`);
    } finally {
      db.close();
    }
    answer();
  } catch (error) {
    answer(error instanceof Error ? error.message : String(error));
  }
});
