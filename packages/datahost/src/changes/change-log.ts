import type { Clock } from "@aerostack/kernel";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { ChangeSet } from "./change-set.ts";
import { CHANGE_TABLE } from "./names.ts";

/** A part of a commit's changes, under its number. */
export interface LoggedChanges {
  readonly seq: number;
  /** JSON of a `ChangeSet`. */
  readonly body: string;
}

/**
 * The changes of committed transactions, written in the very transactions that made them, until the server has them: what a
 * crash leaves unsent is sent by the next process. Numbers grow by time, so that they never fall behind, not even in a
 * database that was deleted and made anew.
 */
export interface ChangeLog {
  /** Makes the table where there is none. */
  create(): void;
  /** Within the transaction of these changes. */
  append(sets: readonly ChangeSet[], acknowledged: number): LoggedChanges[];
  /** Those after a number, oldest first, as many as fit in a turn. */
  readAfter(seq: number): LoggedChanges[];
  /** 0 for an empty log. */
  last(): number;
  /** After another process may have written. */
  forget(): void;
}

const NUMBERS_PER_MS = 1_000;
/** Kept for a server that does not take them; the oldest give way. */
const MAX_WAITING = 10_000;
const APPENDS_BETWEEN_COUNTS = 256;
/** About two megabytes. */
export const MAX_ROWS_READ = 8;

export function createChangeLog(db: SqliteDatabase, clock: Clock): ChangeLog {
  const prepare = (sql: string) => db.prepare(sql);
  let statements: ReturnType<typeof prepareAll> | undefined;
  let lastSeq: number | undefined;
  let trimmedTo = 0;
  let appends = 0;

  function prepareAll() {
    return {
      put: prepare(`INSERT INTO ${CHANGE_TABLE} (seq, body) VALUES (?, ?)`),
      last: prepare(`SELECT ifnull(max(seq), 0) FROM ${CHANGE_TABLE}`).pluck(),
      after: prepare(`SELECT seq, body FROM ${CHANGE_TABLE} WHERE seq > ? ORDER BY seq LIMIT ${MAX_ROWS_READ}`),
      // The newest stays: numbers go on from it.
      trim: prepare(`DELETE FROM ${CHANGE_TABLE} WHERE seq <= ? AND seq < (SELECT max(seq) FROM ${CHANGE_TABLE})`),
      oldestKept: prepare(`SELECT seq FROM ${CHANGE_TABLE} ORDER BY seq DESC LIMIT 1 OFFSET ${MAX_WAITING}`).pluck(),
    };
  }

  function exists(): boolean {
    return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(CHANGE_TABLE) !== undefined;
  }

  function open() {
    statements ??= prepareAll();
    return statements;
  }

  return {
    create() {
      if (!exists()) db.exec(`CREATE TABLE ${CHANGE_TABLE} (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)`);
    },
    append(sets, acknowledged) {
      const { put, last, trim, oldestKept } = open();
      let seq = lastSeq ?? (last.get() as number);
      const logged = sets.map((set): LoggedChanges => {
        seq = Math.max(seq + 1, clock.now() * NUMBERS_PER_MS);
        const body = JSON.stringify(set);
        put.run(seq, body);
        return { seq, body };
      });
      lastSeq = seq;
      const isCounted = ++appends % APPENDS_BETWEEN_COUNTS === 0;
      const beyondMost = isCounted ? (oldestKept.get() as number | undefined) : undefined;
      const trimTo = Math.max(acknowledged, beyondMost ?? 0);
      if (trimTo > trimmedTo) trim.run(trimTo);
      trimmedTo = trimTo;
      return logged;
    },
    readAfter: (seq) => (exists() ? (open().after.all(seq) as LoggedChanges[]) : []),
    last: () => (exists() ? (open().last.get() as number) : 0),
    forget() {
      lastSeq = undefined;
      trimmedTo = 0;
    },
  };
}
