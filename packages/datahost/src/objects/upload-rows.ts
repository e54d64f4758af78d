import { createHash, randomBytes } from "node:crypto";
import { keyRange } from "../state/key-range.ts";
import { perDatabase } from "../state/per-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { dropUse } from "./blob-uses.ts";
import type { ObjectAttributes, StoredAttributes, UploadChecksum } from "./object-info.ts";

export interface UploadRow {
  readonly upload_id: string;
  readonly key: string;
  readonly http_metadata: string;
  readonly custom_metadata: string;
  readonly storage_class: ObjectAttributes["storageClass"];
  readonly is_public: number;
  readonly tags: string;
  readonly checksum: string | null;
  readonly created_at: number;
  readonly length: number | null;
  readonly finished_at: number | null;
  readonly is_deferred: number;
  readonly concat: string | null;
}

export interface PartRow {
  readonly part_number: number;
  readonly blob_id: string;
  readonly size: number;
  readonly etag: string;
  readonly checksum: string | null;
  readonly uploaded_at: number;
}

export interface UploadInfo {
  readonly uploadId: string;
  readonly key: string;
  readonly attributes: StoredAttributes;
  readonly createdAt: number;
  /** What its parts are checked with. */
  readonly checksum: UploadChecksum | null;
  /** Of a resumable upload: the bytes it will have, and when it had them. */
  readonly length: number | null;
  /** Its length is not known yet: `length` is the most that it may be. */
  readonly isDeferred: boolean;
  /** `partial` for one that becomes part of another; what another was made of; null for any other. */
  readonly concat: string | null;
  readonly finishedAt: number | null;
}

/** An upload in progress: it belongs to the key that it was created for. */
export interface UploadKey {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

const UPLOAD_ID_BYTES = 48;
const UPLOAD_COLUMNS =
  "upload_id, key, http_metadata, custom_metadata, storage_class, is_public, tags, checksum, created_at, length, finished_at, is_deferred, concat";

export const statementsOf = perDatabase((db) => ({
  create: db.prepare<
    [
      string,
      string,
      string,
      string,
      string,
      string,
      number,
      string,
      string | null,
      number,
      number | null,
      number,
      string | null,
    ]
  >(
    `INSERT INTO object_uploads
       (upload_id, bucket, key, http_metadata, custom_metadata, storage_class, is_public, tags, checksum, created_at, length, is_deferred, concat)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  find: db.prepare<[string, string, string], UploadRow>(
    `SELECT ${UPLOAD_COLUMNS} FROM object_uploads
     WHERE upload_id = ? AND bucket = ? AND key = ?`,
  ),
  findById: db.prepare<[string, string], UploadRow>(
    `SELECT ${UPLOAD_COLUMNS} FROM object_uploads WHERE upload_id = ? AND bucket = ?`,
  ),
  page: db.prepare<[string, string, string | Buffer, string, string, number], UploadRow>(
    `SELECT ${UPLOAD_COLUMNS} FROM object_uploads
     WHERE bucket = ? AND key >= ? AND key < ? AND (key, upload_id) > (?, ?) AND length IS NULL
     ORDER BY key, upload_id LIMIT ?`,
  ),
  remove: db.prepare<[string]>("DELETE FROM object_uploads WHERE upload_id = ?"),
  setLength: db.prepare<[number, string]>(
    "UPDATE object_uploads SET length = ?, is_deferred = 0 WHERE upload_id = ? AND is_deferred = 1",
  ),
  concatenated: db
    .prepare<[string, string, string], string>(
      "SELECT upload_id FROM object_uploads WHERE bucket = ? AND key = ? AND concat = ? AND finished_at IS NOT NULL",
    )
    .pluck(),
  finish: db.prepare<[number, string]>("UPDATE object_uploads SET finished_at = ? WHERE upload_id = ?"),
  offset: db
    .prepare<[string], number>("SELECT coalesce(sum(size), 0) FROM object_upload_parts WHERE upload_id = ?")
    .pluck(),
  part: db.prepare<[string, number], PartRow>(
    `SELECT part_number, blob_id, size, etag, checksum, uploaded_at FROM object_upload_parts
     WHERE upload_id = ? AND part_number = ?`,
  ),
  parts: db.prepare<[string], PartRow>(
    `SELECT part_number, blob_id, size, etag, checksum, uploaded_at FROM object_upload_parts
     WHERE upload_id = ? ORDER BY part_number`,
  ),
  putPart: db.prepare<[string, number, string, number, string, string | null, number]>(
    `INSERT OR REPLACE INTO object_upload_parts (upload_id, part_number, blob_id, size, etag, checksum, uploaded_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  ),
  removeParts: db.prepare<[string]>("DELETE FROM object_upload_parts WHERE upload_id = ?"),
  expired: db
    .prepare<[number, number], string>("SELECT upload_id FROM object_uploads WHERE created_at < ? LIMIT ?")
    .pluck(),
  expiredBelow: db
    .prepare<[string, string, string | Buffer, number, number], string>(
      `SELECT upload_id FROM object_uploads WHERE bucket = ? AND key >= ? AND key < ? AND created_at <= ? LIMIT ?`,
    )
    .pluck(),
}));

export function infoOf(row: UploadRow): UploadInfo {
  return {
    uploadId: row.upload_id,
    key: row.key,
    attributes: {
      httpMetadata: JSON.parse(row.http_metadata),
      customMetadata: JSON.parse(row.custom_metadata),
      storageClass: row.storage_class,
      isPublic: row.is_public === 1,
      tags: JSON.parse(row.tags),
    },
    createdAt: row.created_at,
    checksum: row.checksum === null ? null : JSON.parse(row.checksum),
    length: row.length,
    finishedAt: row.finished_at,
    isDeferred: row.is_deferred === 1,
    concat: row.concat,
  };
}

export interface NewUploadOptions {
  /** Of a resumable upload: the bytes that it will have. */
  readonly length?: number | null;
  /** The length is not known yet, and is at most `length`. */
  readonly isDeferred?: boolean;
  /** See `UploadInfo`. */
  readonly concat?: string | null;
  /** Of one that is put together of parts. */
  readonly checksum?: UploadChecksum | null;
}

export function createUpload(
  db: SqliteDatabase,
  bucket: string,
  key: string,
  attributes: ObjectAttributes,
  now: number,
  { length = null, isDeferred = false, concat = null, checksum = null }: NewUploadOptions = {},
): string {
  const uploadId = randomBytes(UPLOAD_ID_BYTES).toString("base64url");
  statementsOf(db).create.run(
    uploadId,
    bucket,
    key,
    JSON.stringify(attributes.httpMetadata),
    JSON.stringify(attributes.customMetadata),
    attributes.storageClass,
    attributes.isPublic ? 1 : 0,
    JSON.stringify(attributes.tags ?? {}),
    checksum === null ? null : JSON.stringify(checksum),
    now,
    length,
    isDeferred ? 1 : 0,
    concat,
  );
  return uploadId;
}

export function uploadExists(db: SqliteDatabase, { bucket, key, uploadId }: UploadKey): boolean {
  return statementsOf(db).find.get(uploadId, bucket, key) !== undefined;
}

/** An upload of the bucket by its id alone; of a resumable one with how many bytes it has. */
export function findUpload(
  db: SqliteDatabase,
  bucket: string,
  uploadId: string,
): (UploadInfo & { readonly offset: number }) | undefined {
  const statements = statementsOf(db);
  const row = statements.findById.get(uploadId, bucket);
  if (row === undefined) return undefined;
  if (row.length === null) return { ...infoOf(row), offset: 0 };
  const offset = row.finished_at === null ? (statements.offset.get(uploadId) ?? 0) : row.length;
  return { ...infoOf(row), offset };
}

/** Ends what began before that time (ms) under a prefix of a bucket. @returns how many */
export function expireUploadsBelow(
  db: SqliteDatabase,
  at: { readonly bucket: string; readonly prefix: string; readonly createdUntil: number },
  limit: number,
  now: number,
): number {
  const { lower, upper } = keyRange(at.prefix, null);
  const expired = statementsOf(db).expiredBelow.all(at.bucket, lower, upper, at.createdUntil, limit);
  for (const uploadId of expired) endUpload(db, uploadId, now);
  return expired.length;
}

/** Gives up at most `limit` uploads that were created before that time. @returns how many. */
export function expireUploads(db: SqliteDatabase, createdBefore: number, limit: number, now: number): number {
  const expired = statementsOf(db).expired.all(createdBefore, limit);
  for (const uploadId of expired) endUpload(db, uploadId, now);
  return expired.length;
}

/** Forgets an upload and its parts. */
export function endUpload(db: SqliteDatabase, uploadId: string, now: number): void {
  const statements = statementsOf(db);
  for (const part of statements.parts.all(uploadId)) dropUse(db, part.blob_id, now);
  statements.removeParts.run(uploadId);
  statements.remove.run(uploadId);
}

/** The md5 of the parts' md5s, with their number. */
export function multipartEtag(parts: readonly PartRow[]): string {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part.etag, "hex");
  return `${hash.digest("hex")}-${parts.length}`;
}
