import { perDatabase } from "../state/per-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";

/**
 * How many parts of objects and uploads use each blob, changed in the same commit as those. A blob is deleted only some
 * time after its last use, so an object never lacks its bytes; what a crash leaves is a blob that nothing counts.
 */
const statementsOf = perDatabase((db) => ({
  add: db.prepare<[string, number]>(
    `INSERT INTO object_blobs (id, size, uses) VALUES (?, ?, 1)
     ON CONFLICT (id) DO UPDATE SET uses = uses + 1, unused_since = NULL`,
  ),
  drop: db.prepare<[number, string]>(
    "UPDATE object_blobs SET uses = uses - 1, unused_since = iif(uses = 1, ?, NULL) WHERE id = ?",
  ),
  note: db.prepare<[string, number, number]>(
    "INSERT OR IGNORE INTO object_blobs (id, size, uses, unused_since) VALUES (?, ?, 0, ?)",
  ),
  unused: db
    .prepare<[number, number], string>(
      "SELECT id FROM object_blobs WHERE uses = 0 AND unused_since < ? ORDER BY unused_since LIMIT ?",
    )
    .pluck(),
  postpone: db.prepare<[number, string]>("UPDATE object_blobs SET unused_since = ? WHERE id = ? AND uses = 0"),
  forget: db.prepare<[string]>("DELETE FROM object_blobs WHERE id = ? AND uses = 0"),
  known: db.prepare<[string], number>("SELECT 1 FROM object_blobs WHERE id = ?").pluck(),
}));

export interface BlobUse {
  readonly id: string;
  readonly size: number;
}

/** A blob as a part of an object, with the checksum that the part was uploaded with. */
export interface PartUse extends BlobUse {
  /** Hex. */
  readonly checksum?: string | null;
}

export function addUse(db: SqliteDatabase, { id, size }: BlobUse): void {
  statementsOf(db).add.run(id, size);
}

export function dropUse(db: SqliteDatabase, id: string, now: number): void {
  statementsOf(db).drop.run(now, id);
}

/** Counts a blob that was stored for something that did not come to be. */
export function noteUnused(db: SqliteDatabase, { id, size }: BlobUse, now: number): void {
  statementsOf(db).note.run(id, size, now);
}

export function listUnused(db: SqliteDatabase, unusedBefore: number, limit: number): string[] {
  return statementsOf(db).unused.all(unusedBefore, limit);
}

/** Looks at an unused blob again later. */
export function postponeUnused(db: SqliteDatabase, id: string, now: number): void {
  statementsOf(db).postpone.run(now, id);
}

/** Forgets a blob that is deleted, unless it is in use again. */
export function forgetUnused(db: SqliteDatabase, id: string): void {
  statementsOf(db).forget.run(id);
}

export function isCounted(db: SqliteDatabase, id: string): boolean {
  return statementsOf(db).known.get(id) !== undefined;
}
