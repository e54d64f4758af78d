import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@aerostack/kernel";
import { openEncryptedDatabase } from "./encrypted-database.ts";
import { createGroupCommit, type GroupCommit, type Work } from "./group-commit.ts";
import { PROJECT_MIGRATIONS } from "./project-schema.ts";
import type { SqliteDatabase } from "./sqlite-driver.ts";

export interface StateDatabasesOptions {
  /** Holds `projects/<projectId>/state.sqlite`. */
  readonly hostDir: string;
  /** 32-byte key for a file's logical name. */
  readonly keyFor: (name: string) => Buffer;
  readonly clock: Clock;
  /** Databases kept open at most; the one that was used longest ago is closed first. */
  readonly maxOpen?: number;
}

/** The state of all projects: one database each, opened when it is first needed. */
export interface StateDatabases {
  /** For reading, within this turn of the event loop: it may be closed in the next. */
  read(projectId: string): SqliteDatabase;
  /** See GroupCommit. */
  commit<T>(projectId: string, work: Work<T>): Promise<T>;
  /** For upkeep: as `commit`, but it does not open a database, nor counts as a use of it. */
  commitIfOpen<T>(projectId: string, work: Work<T>): Promise<T> | undefined;
  /** Projects whose database is open. */
  openProjects(): string[];
  /** Closes what was not used since that time (ms). */
  closeIdle(usedBefore: number): void;
  /** Deletes a project's state for good. Works that still wait fail. */
  delete(projectId: string): void;
  close(): void;
}

interface OpenState {
  readonly db: SqliteDatabase;
  readonly group: GroupCommit;
  usedAt: number;
  usedOrder: number;
}

const DEFAULT_MAX_OPEN = 256;
const PROJECT_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function createStateDatabases({ hostDir, keyFor, clock, maxOpen }: StateDatabasesOptions): StateDatabases {
  const limit = maxOpen ?? DEFAULT_MAX_OPEN;
  const open = new Map<string, OpenState>();
  let order = 0;

  function pathOf(projectId: string): string {
    if (!PROJECT_ID_PATTERN.test(projectId)) throw new Error(`'${projectId}' is no project id`);
    return join(hostDir, "projects", projectId, "state.sqlite");
  }

  function close(projectId: string, state: OpenState): void {
    open.delete(projectId);
    state.db.close();
  }

  function makeRoom(): void {
    while (open.size >= limit) {
      let oldest: [string, OpenState] | undefined;
      for (const entry of open) {
        // A database with waiting works is in use, however long ago it was asked for.
        if (entry[1].group.pending === 0 && (oldest === undefined || entry[1].usedOrder < oldest[1].usedOrder)) {
          oldest = entry;
        }
      }
      if (oldest === undefined) return;
      close(...oldest);
    }
  }

  function stateOf(projectId: string): OpenState {
    let state = open.get(projectId);
    if (state === undefined) {
      makeRoom();
      const db = openEncryptedDatabase({
        path: pathOf(projectId),
        key: keyFor(`projects/${projectId}/state`),
        migrations: PROJECT_MIGRATIONS,
      });
      state = { db, group: createGroupCommit(db), usedAt: 0, usedOrder: 0 };
      open.set(projectId, state);
    }
    state.usedAt = clock.now();
    state.usedOrder = ++order;
    return state;
  }

  return {
    read: (projectId) => stateOf(projectId).db,
    commit: (projectId, work) => stateOf(projectId).group.commit(work),
    commitIfOpen: (projectId, work) => open.get(projectId)?.group.commit(work),
    openProjects: () => [...open.keys()],
    closeIdle(usedBefore) {
      for (const [projectId, state] of open) {
        if (state.usedAt < usedBefore && state.group.pending === 0) close(projectId, state);
      }
    },
    delete(projectId) {
      const path = pathOf(projectId);
      const state = open.get(projectId);
      if (state !== undefined) close(projectId, state);
      // In one turn, so that nobody opens what is half deleted.
      for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
    },
    close() {
      for (const [projectId, state] of open) close(projectId, state);
    },
  };
}
