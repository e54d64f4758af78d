import { foldName } from "../sql/tokenizer.ts";

/** The tables of a database whose changes somebody wants to hear of, and how far they were told. */
export interface Watch {
  readonly projectId: string;
  readonly database: string;
  /** Another list whenever it changes. */
  tables: readonly string[];
  /** Of the change log; undefined while it is not known where to begin. */
  sentSeq: number | undefined;
  acknowledgedSeq: number;
}

/** What `changes.watch` takes: all tables of a database that are watched from now on. */
export interface WatchRequest {
  readonly projectId: string;
  readonly database: string;
  /** Names as in SQL; those of which there is no table yet are watched once there is. */
  readonly tables: readonly string[];
  /** The last number that was heard of; null: from now on. */
  readonly after: number | null;
}

export interface Watches {
  find(projectId: string, database: string): Watch | undefined;
  /** @returns undefined when nothing is watched any more. */
  set(request: WatchRequest): Watch | undefined;
  all(): Iterable<Watch>;
  forgetProject(projectId: string): void;
}

const MAX_TABLES = 500;
const RESERVED = /^(?:sqlite_|_cf_|_aero_|aerostack_(?:migrations|collections|idempotent_items)$)/;

function watchable(tables: readonly string[]): readonly string[] {
  return [...new Set(tables)].filter((name) => !RESERVED.test(foldName(name))).slice(0, MAX_TABLES);
}

export function createWatches(): Watches {
  const watches = new Map<string, Watch>();
  const keyOf = (projectId: string, database: string) => `${projectId}/${database}`;
  return {
    find: (projectId, database) => watches.get(keyOf(projectId, database)),
    set({ projectId, database, tables, after }) {
      const key = keyOf(projectId, database);
      const wanted = watchable(tables);
      const known = watches.get(key);
      if (wanted.length === 0) {
        watches.delete(key);
        if (known !== undefined) known.tables = [];
        return undefined;
      }
      if (known !== undefined) {
        known.tables = wanted;
        return known;
      }
      const watch: Watch = {
        projectId,
        database,
        tables: wanted,
        sentSeq: after ?? undefined,
        acknowledgedSeq: after ?? 0,
      };
      watches.set(key, watch);
      return watch;
    },
    all: () => watches.values(),
    forgetProject(projectId) {
      for (const [key, watch] of watches) if (watch.projectId === projectId) watches.delete(key);
    },
  };
}
