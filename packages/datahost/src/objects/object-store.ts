import { randomBytes } from "node:crypto";
import { perDatabase } from "../state/per-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { addUse, dropUse, type PartUse } from "./blob-uses.ts";
import type { ObjectInfo } from "./object-info.ts";

interface ObjectRow {
  readonly key: string;
  readonly version: string;
  readonly size: number;
  readonly etag: string;
  readonly checksums: string;
  readonly http_metadata: string;
  readonly custom_metadata: string;
  readonly storage_class: ObjectInfo["storageClass"];
  readonly is_public: number;
  readonly tags: string;
  readonly composite: string | null;
  readonly uploaded_at: number;
}

const COLUMNS =
  "key, version, size, etag, checksums, http_metadata, custom_metadata, storage_class, is_public, tags, composite, uploaded_at";
const VERSION_BYTES = 16;

const statementsOf = perDatabase((db) => ({
  find: db.prepare<[string, string], ObjectRow>(`SELECT ${COLUMNS} FROM objects WHERE bucket = ? AND key = ?`),
  put: db.prepare<
    [string, string, string, number, string, string, string, string, string, number, string, string | null, number]
  >(`INSERT OR REPLACE INTO objects (bucket, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
  remove: db.prepare<[string, string]>("DELETE FROM objects WHERE bucket = ? AND key = ?"),
  parts: db.prepare<[string], PartUse>(
    "SELECT blob_id AS id, size, checksum FROM object_parts WHERE version = ? ORDER BY part_number",
  ),
  addPart: db.prepare<[string, number, string, number, string | null]>(
    "INSERT INTO object_parts (version, part_number, blob_id, size, checksum) VALUES (?, ?, ?, ?, ?)",
  ),
  removeParts: db.prepare<[string]>("DELETE FROM object_parts WHERE version = ?"),
  page: db.prepare<[string, string, string | Buffer, number], ObjectRow>(
    `SELECT ${COLUMNS} FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  ),
  buckets: db
    .prepare<[], string>(
      `WITH RECURSIVE found (name) AS (
         SELECT min(bucket) FROM objects
         UNION ALL
         SELECT (SELECT min(bucket) FROM objects WHERE bucket > found.name) FROM found WHERE found.name IS NOT NULL
       ) SELECT name FROM found WHERE name IS NOT NULL`,
    )
    .pluck(),
}));

export function createVersion(): string {
  return randomBytes(VERSION_BYTES).toString("hex");
}

export function findObject(db: SqliteDatabase, bucket: string, key: string): ObjectInfo | undefined {
  const row = statementsOf(db).find.get(bucket, key);
  return row === undefined ? undefined : infoOf(row);
}

/** The blobs that hold an object's bytes, in order. */
export function findParts(db: SqliteDatabase, version: string): PartUse[] {
  return statementsOf(db).parts.all(version);
}

/**
 * Puts an object in place of what its key held. `uses` says what becomes of the parts' counts: `add` for blobs that are
 * newly used, `keep` for blobs that were counted for something which ends in the same commit.
 */
export function putObject(
  db: SqliteDatabase,
  bucket: string,
  object: ObjectInfo,
  parts: readonly PartUse[],
  uses: "add" | "keep",
): void {
  const statements = statementsOf(db);
  removeObject(db, bucket, object.key, object.uploadedAt);
  statements.put.run(
    bucket,
    object.key,
    object.version,
    object.size,
    object.etag,
    JSON.stringify(object.checksums),
    JSON.stringify(object.httpMetadata),
    JSON.stringify(object.customMetadata),
    object.storageClass,
    object.isPublic ? 1 : 0,
    JSON.stringify(object.tags),
    object.composite === undefined ? null : JSON.stringify(object.composite),
    object.uploadedAt,
  );
  parts.forEach((part, index) => {
    statements.addPart.run(object.version, index, part.id, part.size, part.checksum ?? null);
    if (uses === "add") addUse(db, part);
  });
}

/** @returns whether there was one. */
export function removeObject(db: SqliteDatabase, bucket: string, key: string, now: number): boolean {
  const statements = statementsOf(db);
  const row = statements.find.get(bucket, key);
  if (row === undefined) return false;
  for (const part of statements.parts.all(row.version)) dropUse(db, part.id, now);
  statements.removeParts.run(row.version);
  statements.remove.run(bucket, key);
  return true;
}

/** Objects of a bucket with `lower <= key < upper`, in the order of their keys' UTF-8 bytes. */
export function pageObjects(
  db: SqliteDatabase,
  bucket: string,
  lower: string,
  upper: string | Buffer,
  limit: number,
): ObjectInfo[] {
  return statementsOf(db).page.all(bucket, lower, upper, limit).map(infoOf);
}

/** Buckets that have an object. */
export function listBuckets(db: SqliteDatabase): string[] {
  return statementsOf(db).buckets.all();
}

function infoOf(row: ObjectRow): ObjectInfo {
  return {
    key: row.key,
    version: row.version,
    size: row.size,
    etag: row.etag,
    checksums: JSON.parse(row.checksums),
    httpMetadata: JSON.parse(row.http_metadata),
    customMetadata: JSON.parse(row.custom_metadata),
    storageClass: row.storage_class,
    isPublic: row.is_public === 1,
    tags: JSON.parse(row.tags),
    ...(row.composite === null ? {} : { composite: JSON.parse(row.composite) }),
    uploadedAt: row.uploaded_at,
  };
}
