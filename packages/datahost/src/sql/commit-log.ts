import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { COMMIT_TABLE } from "./schema-facts.ts";

/** What is remembered of a write whose answer may have been lost. */
export interface CommittedWrite {
  readonly writeId: string;
  readonly changes: number;
  readonly lastRowId: number;
}

/**
 * The ids of the last writes, stored in the very transactions that made them: after a crash, who sent a write and got no
 * answer learns whether it was committed. A ring of a few rows; only the last commits can have lost their answers.
 */
export interface CommitLog {
  /** Within the transaction of these writes. */
  append(writes: readonly CommittedWrite[]): void;
  find(writeId: string): CommittedWrite | undefined;
  /** After another process may have written. */
  forget(): void;
}

const SLOTS = 16;
/** Longest list in one slot: what a group commit holds at most. */
export const MAX_WRITES_PER_COMMIT = 256;
/** Ids come from our own processes; a separator in one would only hide it. */
const BETWEEN_WRITES = "\n";
const BETWEEN_FIELDS = "|";

export function createCommitLog(db: SqliteDatabase): CommitLog {
  const put = db.prepare(`INSERT OR REPLACE INTO ${COMMIT_TABLE} (slot, seq, ids) VALUES (?, ?, ?)`);
  const last = db.prepare(`SELECT max(seq) FROM ${COMMIT_TABLE}`).pluck();
  const all = db.prepare(`SELECT ids FROM ${COMMIT_TABLE} ORDER BY seq DESC`).pluck();
  let seq: number | undefined;
  return {
    append(writes) {
      seq = (seq ?? (last.get() as number | null) ?? 0) + 1;
      let text = "";
      for (const { writeId, changes, lastRowId } of writes) {
        text += writeId + BETWEEN_FIELDS + changes + BETWEEN_FIELDS + lastRowId + BETWEEN_WRITES;
      }
      put.run(seq % SLOTS, seq, text);
    },
    find(writeId) {
      for (const ids of all.all() as string[]) {
        for (const write of ids.split(BETWEEN_WRITES)) {
          const [id, changes, lastRowId] = write.split(BETWEEN_FIELDS);
          if (id === writeId) return { writeId, changes: Number(changes), lastRowId: Number(lastRowId) };
        }
      }
      return undefined;
    },
    forget() {
      seq = undefined;
    },
  };
}
