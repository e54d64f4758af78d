import { keyRange } from "../state/key-range.ts";
import { perDatabase } from "../state/per-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";

/** A value with what it was stored with. */
export interface KvEntry {
  readonly value: Buffer;
  /** JSON text. */
  readonly metadata: string | null;
  /** Milliseconds since the epoch; from then on the entry is not there. */
  readonly expiresAt: number | null;
}

export interface KvListing {
  readonly keys: readonly {
    readonly name: string;
    readonly metadata: string | null;
    readonly expiresAt: number | null;
  }[];
  /** Whether there are more. */
  readonly complete: boolean;
}

type EntryRow = [value: Buffer, metadata: string | null, expiresAt: number | null];
type KeyRow = [name: string, metadata: string | null, expiresAt: number | null];

const statementsOf = perDatabase((db) => ({
  get: db
    .prepare<[string, string], EntryRow>(
      "SELECT value, metadata, expires_at FROM kv_entries WHERE namespace = ? AND key = ?",
    )
    .raw(),
  put: db.prepare<[string, string, Buffer, string | null, number | null]>(
    `INSERT INTO kv_entries (namespace, key, value, metadata, expires_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (namespace, key)
     DO UPDATE SET value = excluded.value, metadata = excluded.metadata, expires_at = excluded.expires_at`,
  ),
  delete: db
    .prepare<[string, string], [expiresAt: number | null]>(
      "DELETE FROM kv_entries WHERE namespace = ? AND key = ? RETURNING expires_at",
    )
    .raw(),
  expire: db.prepare<[number, string, string, number]>(
    "UPDATE kv_entries SET expires_at = ? WHERE namespace = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)",
  ),
  list: db
    .prepare<[string, string, string | Buffer, number, number], KeyRow>(
      `SELECT key, metadata, expires_at FROM kv_entries
       WHERE namespace = ? AND key >= ? AND key < ? AND (expires_at IS NULL OR expires_at > ?)
       ORDER BY key LIMIT ?`,
    )
    .raw(),
  deleteRange: db.prepare<[string, string, string | Buffer, number]>(
    `DELETE FROM kv_entries WHERE rowid IN (
       SELECT rowid FROM kv_entries WHERE namespace = ? AND key >= ? AND key < ? LIMIT ?)`,
  ),
  deleteExpired: db.prepare<[number, number]>(
    "DELETE FROM kv_entries WHERE rowid IN (SELECT rowid FROM kv_entries WHERE expires_at <= ? LIMIT ?)",
  ),
  // Jumps from namespace to namespace through the primary key instead of reading every entry.
  namespaces: db
    .prepare<[], string>(
      `WITH RECURSIVE found (name) AS (
         SELECT min(namespace) FROM kv_entries
         UNION ALL
         SELECT (SELECT min(namespace) FROM kv_entries WHERE namespace > found.name) FROM found WHERE found.name IS NOT NULL
       ) SELECT name FROM found WHERE name IS NOT NULL`,
    )
    .pluck(),
}));

/** @returns undefined where there is no such key, or its time is over. */
export function getEntry(db: SqliteDatabase, namespace: string, key: string, now: number): KvEntry | undefined {
  const row = statementsOf(db).get.get(namespace, key);
  if (row === undefined || (row[2] !== null && row[2] <= now)) return undefined;
  return { value: row[0], metadata: row[1], expiresAt: row[2] };
}

export function putEntry(db: SqliteDatabase, namespace: string, key: string, entry: KvEntry): void {
  statementsOf(db).put.run(namespace, key, entry.value, entry.metadata, entry.expiresAt);
}

/** @returns whether there was such a key. */
export function deleteEntry(db: SqliteDatabase, namespace: string, key: string, now: number): boolean {
  const row = statementsOf(db).delete.get(namespace, key);
  return row !== undefined && (row[0] === null || row[0] > now);
}

/** @returns whether there was such a key. */
export function expireEntry(
  db: SqliteDatabase,
  namespace: string,
  key: string,
  expiresAt: number,
  now: number,
): boolean {
  return statementsOf(db).expire.run(expiresAt, namespace, key, now).changes > 0;
}

/** Keys in the order of their UTF-8 bytes. `after` is the last key of the page before. */
export function listKeys(
  db: SqliteDatabase,
  namespace: string,
  options: { readonly prefix: string; readonly after: string | null; readonly limit: number },
  now: number,
): KvListing {
  const { limit } = options;
  const { lower, upper } = keyRange(options.prefix, options.after);
  const rows = statementsOf(db).list.all(namespace, lower, upper, now, limit + 1);
  const complete = rows.length <= limit;
  if (!complete) rows.length = limit;
  return { keys: rows.map(([name, metadata, expiresAt]) => ({ name, metadata, expiresAt })), complete };
}

/** Deletes at most `limit` keys with this prefix, expired ones included. @returns how many. */
export function deleteKeys(db: SqliteDatabase, namespace: string, prefix: string, limit: number): number {
  const { lower, upper } = keyRange(prefix, null);
  return statementsOf(db).deleteRange.run(namespace, lower, upper, limit).changes;
}

/** Deletes at most `limit` keys of all namespaces whose time is over. @returns how many. */
export function deleteExpired(db: SqliteDatabase, now: number, limit: number): number {
  return statementsOf(db).deleteExpired.run(now, limit).changes;
}

/** Names of the namespaces that have a key. */
export function listNamespaces(db: SqliteDatabase): string[] {
  return statementsOf(db).namespaces.all();
}
