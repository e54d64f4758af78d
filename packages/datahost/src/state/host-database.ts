import { join } from "node:path";
import { openEncryptedDatabase } from "./encrypted-database.ts";
import { createGroupCommit, type Work } from "./group-commit.ts";
import type { SqliteDatabase } from "./sqlite-driver.ts";

/** What the host must know of its projects without opening each of them, in `host.sqlite`. */
export interface HostDatabase {
  read(): SqliteDatabase;
  /** See GroupCommit. */
  commit<T>(work: Work<T>): Promise<T>;
  close(): void;
}

const HOST_MIGRATIONS = [
  // A queue is here before its first message is acknowledged, and may stay a while after its last one.
  `CREATE TABLE pending_queues (
     project_id TEXT NOT NULL,
     queue TEXT NOT NULL,
     PRIMARY KEY (project_id, queue)
   ) WITHOUT ROWID;`,
  // A project is here before one of its buckets has a rule.
  `CREATE TABLE lifecycle_projects (
     project_id TEXT PRIMARY KEY,
     run_at INTEGER NOT NULL
   ) WITHOUT ROWID;`,
];

export function createHostDatabase({
  hostDir,
  keyFor,
}: {
  readonly hostDir: string;
  readonly keyFor: (name: string) => Buffer;
}): HostDatabase {
  const db = openEncryptedDatabase({
    path: join(hostDir, "host.sqlite"),
    key: keyFor("host"),
    migrations: HOST_MIGRATIONS,
  });
  const group = createGroupCommit(db);
  return { read: () => db, commit: group.commit, close: () => db.close() };
}
