import { AerostackError } from "@aerostack/contracts/errors";
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
 * answer learns whether it was committed. A ring of rows that grows with what is committed within a minute. What it does not
 * hold was not committed, as long as it still holds a commit from before the write was sent: that is checked, not assumed.
 */
export interface CommitLog {
  /** Within the transaction of these writes. */
  append(writes: readonly CommittedWrite[]): void;
  /**
   * @param sentAt milliseconds since the epoch: when the write was sent first
   * @returns undefined where it was not committed
   * @throws AerostackError DB_WRITE_UNCERTAIN where it may have been forgotten
   */
  find(writeId: string, sentAt: number): CommittedWrite | undefined;
  /** After another process may have written. */
  forget(): void;
}

interface Slot {
  readonly slot: number;
  readonly seq: number;
}

/** A commit is remembered for this long: no write waits longer for its answer. */
const KEEP_MS = 60_000;
/** Rows are used again from this many on, where they are old enough, … */
const MIN_SLOTS = 16;
/** … and in any case from this many on. */
export const MAX_SLOTS = 1024;
/** Longest list in one slot: what a group commit holds at most. */
export const MAX_WRITES_PER_COMMIT = 256;
/** A row's place in order is also its time. Commits come slower than this, so the order never runs ahead of time. */
const SEQUENCE_PER_MS = 1000;
/** Ids come from our own processes; a separator in one would only hide it. */
const BETWEEN_WRITES = "\n";
const BETWEEN_FIELDS = "|";

/** Statements that make the table, with a row older than every write. */
export const COMMIT_LOG_SCHEMA = `
  CREATE TABLE ${COMMIT_TABLE} (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, ids TEXT NOT NULL);
  INSERT INTO ${COMMIT_TABLE} (slot, seq, ids) VALUES (0, 0, '');`;

/** @param now milliseconds since the epoch */
export function createCommitLog(db: SqliteDatabase, now: () => number): CommitLog {
  const put = db.prepare(`INSERT OR REPLACE INTO ${COMMIT_TABLE} (slot, seq, ids) VALUES (?, ?, ?)`);
  const inOrder = db.prepare(`SELECT slot, seq FROM ${COMMIT_TABLE} ORDER BY seq`);
  const oldestSeq = db.prepare(`SELECT min(seq) FROM ${COMMIT_TABLE}`).pluck();
  const withId = db.prepare(`SELECT ids FROM ${COMMIT_TABLE} WHERE instr(ids, ?) > 0`).pluck();
  /** The oldest first. */
  let slots: Slot[] | undefined;
  let unusedSlot = 0;

  function load(): Slot[] {
    const found = inOrder.all() as Slot[];
    unusedSlot = found.reduce((highest, { slot }) => Math.max(highest, slot), -1) + 1;
    return found;
  }

  /** The oldest row goes only once the one after it can stand for all that is forgotten. */
  function takeSlot(known: Slot[], time: number): number {
    const next = known[1]?.seq ?? 0;
    const isFree =
      known.length >= MAX_SLOTS || (known.length >= MIN_SLOTS && next <= (time - KEEP_MS) * SEQUENCE_PER_MS);
    return (isFree ? known.shift()?.slot : undefined) ?? unusedSlot++;
  }

  return {
    append(writes) {
      slots ??= load();
      const time = now();
      const seq = Math.max((slots.at(-1)?.seq ?? 0) + 1, time * SEQUENCE_PER_MS);
      const slot = takeSlot(slots, time);
      let text = "";
      for (const { writeId, changes, lastRowId } of writes) {
        text += writeId + BETWEEN_FIELDS + changes + BETWEEN_FIELDS + lastRowId + BETWEEN_WRITES;
      }
      put.run(slot, seq, text);
      slots.push({ slot, seq });
    },
    find(writeId, sentAt) {
      for (const ids of withId.all(writeId + BETWEEN_FIELDS) as string[]) {
        for (const write of ids.split(BETWEEN_WRITES)) {
          const [id, changes, lastRowId] = write.split(BETWEEN_FIELDS);
          if (id === writeId) return { writeId, changes: Number(changes), lastRowId: Number(lastRowId) };
        }
      }
      const oldest = (oldestSeq.get() as number | null) ?? 0;
      if (oldest > sentAt * SEQUENCE_PER_MS) throw new AerostackError("DB_WRITE_UNCERTAIN");
      return undefined;
    },
    forget() {
      slots = undefined;
    },
  };
}
