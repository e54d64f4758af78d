import { AerostackError } from "@aerostack/contracts/errors";
import type { Clock } from "@aerostack/kernel";
import type { ChangesEvent } from "../changes/database-changes.ts";
import type { Watches } from "../changes/watches.ts";
import type { DatabaseFile, DatabaseFiles } from "../files/database-files.ts";
import type { HostLimits } from "../limits.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { CHECKPOINT_PAGES, type LogState, UserDatabase } from "./user-database.ts";

/** The databases in use: found by name, opened when first needed, closed when many others are or nobody asks for them. */
export interface UserDatabases {
  /** @throws AerostackError NOT_FOUND for a name that no database can have, SERVICE_UNAVAILABLE while it is deleted. */
  get(projectId: string, database: string): UserDatabase;
  closeIdle(): void;
  /** Waits for what runs, closes the files and deletes them. */
  delete(files: readonly DatabaseFile[], remove: () => void): Promise<void>;
  /** Databases of a project that are in use now. */
  ofProject(projectId: string): UserDatabase[];
  close(): Promise<void>;
  readonly openCount: number;
  readonly waitingWrites: number;
  readonly commits: number;
}

export interface UserDatabasesOptions {
  readonly files: DatabaseFiles;
  readonly limits: HostLimits;
  readonly clock: Clock;
  readonly checkpoints: Checkpoints;
  readonly watches: Watches;
  readonly onChanges: (event: ChangesEvent) => void;
  /** Other processes let go of the file. */
  readonly releaseElsewhere: (file: DatabaseFile) => Promise<void>;
}

const EMPTIED_PAGES = 3 * CHECKPOINT_PAGES;
/** Beyond this the file is cut as well. */
const TRUNCATED_PAGES = 16_000;
/** Closing a file with a log of this many pages takes a millisecond or two. */
const MAX_PAGES_COPIED_HERE = 32;

export function createUserDatabases(options: UserDatabasesOptions): UserDatabases {
  const { files, limits, clock, checkpoints, watches, onChanges } = options;
  const databases = new Map<string, UserDatabase>();
  const deleting = new Set<string>();
  let closedCommits = 0;

  function make(file: DatabaseFile): UserDatabase {
    return new UserDatabase({
      file,
      limits,
      clock,
      onLogGrown: copyLog,
      watch: watches.find(file.projectId, file.database),
      onChanges,
    });
  }

  /**
   * Mostly beside the writes that go on. But a log starts over only once all of it was copied, which under a steady load never
   * happens by itself: then the rest is copied in a turn of the write queue.
   */
  function copyLog(database: UserDatabase, { pages, uncopiedPages }: LogState): void {
    if (uncopiedPages >= CHECKPOINT_PAGES) void checkpoints.request(database.file, "PASSIVE");
    if (pages < EMPTIED_PAGES || database.isLogBeingEmptied) return;
    database.isLogBeingEmptied = true;
    const empty = async () => {
      // One may be under way that began before the last writes.
      await checkpoints.settled(database.file);
      await checkpoints.request(database.file, pages >= TRUNCATED_PAGES ? "TRUNCATE" : "PASSIVE");
    };
    void database.writes
      .runExclusive(empty)
      .catch(() => {})
      .finally(() => {
        database.isLogBeingEmptied = false;
      });
  }

  function forget(id: string, database: UserDatabase): void {
    databases.delete(id);
    closedCommits += database.commits;
    if (database.isOpen) letGo(database);
  }

  /** Who closes a file last empties its log: the thread where that takes long, and not the event loop. */
  function letGo(database: UserDatabase): void {
    if (database.log.uncopiedPages <= MAX_PAGES_COPIED_HERE) {
      database.close();
      return;
    }
    const checkpointed = checkpoints.request(database.file, "PASSIVE");
    database.close();
    void checkpointed;
  }

  function makeRoom(): void {
    let tooMany = databases.size - limits.maxOpenDatabases + 1;
    if (tooMany <= 0) return;
    // In the order of their last use.
    for (const [id, database] of databases) {
      if (tooMany <= 0) return;
      if (!database.isIdle) continue;
      forget(id, database);
      tooMany--;
    }
  }

  function idOf(projectId: string, database: string): string {
    return `${projectId}/${database}`;
  }

  return {
    get(projectId, name) {
      const id = idOf(projectId, name);
      let database = databases.get(id);
      if (database === undefined) {
        const file = files.locate(projectId, name);
        if (deleting.has(file.path))
          throw new AerostackError("SERVICE_UNAVAILABLE", { message: "The database is being deleted." });
        makeRoom();
        database = make(file);
        databases.set(id, database);
      } else if (databases.size > limits.maxOpenDatabases / 2) {
        databases.delete(id);
        databases.set(id, database);
      }
      database.lastUsedMs = clock.now();
      return database;
    },
    closeIdle() {
      const before = clock.now() - limits.databaseIdleMs;
      for (const [id, database] of databases) {
        if (database.lastUsedMs <= before && database.isIdle) forget(id, database);
      }
    },
    async delete(doomed, remove) {
      for (const file of doomed) deleting.add(file.path);
      try {
        for (const file of doomed) {
          const id = idOf(file.projectId, file.database);
          const database = databases.get(id);
          databases.delete(id);
          if (database !== undefined) {
            database.writes.rejectWaiting(new AerostackError("NOT_FOUND", { message: "The database was deleted." }));
            await database.writes.idle();
            closedCommits += database.commits;
            database.close();
          }
          await options.releaseElsewhere(file);
          // A copy of the log that is under way holds the file open.
          await checkpoints.settled(file);
        }
        remove();
      } finally {
        for (const file of doomed) deleting.delete(file.path);
      }
    },
    ofProject: (projectId) => [...databases.values()].filter((database) => database.file.projectId === projectId),
    async close() {
      await Promise.all([...databases.values()].map((database) => database.writes.idle()));
      const open = [...databases].filter(([, database]) => database.isOpen);
      await Promise.all(open.map(([, database]) => checkpoints.request(database.file, "PASSIVE")));
      for (const [id, database] of databases) {
        databases.delete(id);
        database.close();
      }
    },
    get openCount() {
      let count = 0;
      for (const database of databases.values()) if (database.isOpen) count++;
      return count;
    },
    get waitingWrites() {
      let count = 0;
      for (const database of databases.values()) count += database.writes.waiting;
      return count;
    },
    get commits() {
      let count = closedCommits;
      for (const database of databases.values()) count += database.commits;
      return count;
    },
  };
}
