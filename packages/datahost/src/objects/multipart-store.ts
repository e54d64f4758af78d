import { createHash, randomBytes } from "node:crypto";
import { perDatabase } from "../state/per-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { addUse, type BlobUse, dropUse } from "./blob-uses.ts";
import type { ObjectAttributes, ObjectInfo } from "./object-info.ts";
import { MIN_PART_BYTES } from "./object-limits.ts";
import { createVersion, putObject } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";

interface UploadRow {
  readonly upload_id: string;
  readonly http_metadata: string;
  readonly custom_metadata: string;
  readonly storage_class: ObjectAttributes["storageClass"];
}

interface PartRow {
  readonly part_number: number;
  readonly blob_id: string;
  readonly size: number;
  readonly etag: string;
}

/** An upload in progress: it belongs to the key that it was created for. */
export interface UploadKey {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

const UPLOAD_ID_BYTES = 48;

const statementsOf = perDatabase((db) => ({
  create: db.prepare<[string, string, string, string, string, string, number]>(
    `INSERT INTO object_uploads (upload_id, bucket, key, http_metadata, custom_metadata, storage_class, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  ),
  find: db.prepare<[string, string, string], UploadRow>(
    `SELECT upload_id, http_metadata, custom_metadata, storage_class FROM object_uploads
     WHERE upload_id = ? AND bucket = ? AND key = ?`,
  ),
  remove: db.prepare<[string]>("DELETE FROM object_uploads WHERE upload_id = ?"),
  part: db.prepare<[string, number], PartRow>(
    "SELECT part_number, blob_id, size, etag FROM object_upload_parts WHERE upload_id = ? AND part_number = ?",
  ),
  parts: db.prepare<[string], PartRow>(
    "SELECT part_number, blob_id, size, etag FROM object_upload_parts WHERE upload_id = ? ORDER BY part_number",
  ),
  putPart: db.prepare<[string, number, string, number, string]>(
    "INSERT OR REPLACE INTO object_upload_parts (upload_id, part_number, blob_id, size, etag) VALUES (?, ?, ?, ?, ?)",
  ),
  removeParts: db.prepare<[string]>("DELETE FROM object_upload_parts WHERE upload_id = ?"),
  expired: db
    .prepare<[number, number], string>("SELECT upload_id FROM object_uploads WHERE created_at < ? LIMIT ?")
    .pluck(),
}));

export function createUpload(
  db: SqliteDatabase,
  bucket: string,
  key: string,
  attributes: ObjectAttributes,
  now: number,
): string {
  const uploadId = randomBytes(UPLOAD_ID_BYTES).toString("base64url");
  statementsOf(db).create.run(
    uploadId,
    bucket,
    key,
    JSON.stringify(attributes.httpMetadata),
    JSON.stringify(attributes.customMetadata),
    attributes.storageClass,
    now,
  );
  return uploadId;
}

export function uploadExists(db: SqliteDatabase, { bucket, key, uploadId }: UploadKey): boolean {
  return statementsOf(db).find.get(uploadId, bucket, key) !== undefined;
}

/** Keeps a part, in place of an earlier one of its number. @returns false where there is no such upload any more. */
export function putPart(
  db: SqliteDatabase,
  upload: UploadKey,
  part: BlobUse & { readonly partNumber: number; readonly etag: string },
  now: number,
): boolean {
  if (!uploadExists(db, upload)) return false;
  const statements = statementsOf(db);
  const replaced = statements.part.get(upload.uploadId, part.partNumber);
  statements.putPart.run(upload.uploadId, part.partNumber, part.id, part.size, part.etag);
  addUse(db, part);
  if (replaced !== undefined) dropUse(db, replaced.blob_id, now);
  return true;
}

/**
 * Makes an object of the chosen parts, and ends the upload. All in the caller's transaction.
 * @throws R2Refusal noSuchUpload, invalidPart, entityTooSmall, badUpload
 */
export function completeUpload(
  db: SqliteDatabase,
  upload: UploadKey,
  chosen: readonly { readonly part: number; readonly etag: string }[],
  now: number,
): ObjectInfo {
  const statements = statementsOf(db);
  const { bucket, key, uploadId } = upload;
  const row = statements.find.get(uploadId, bucket, key);
  if (row === undefined) throw new R2Refusal("noSuchUpload");
  const stored = new Map(statements.parts.all(uploadId).map((part) => [part.part_number, part]));
  const parts = chooseParts(stored, chosen);
  const object: ObjectInfo = {
    key,
    version: createVersion(),
    size: parts.reduce((size, part) => size + part.size, 0),
    etag: multipartEtag(parts),
    checksums: {},
    httpMetadata: JSON.parse(row.http_metadata),
    customMetadata: JSON.parse(row.custom_metadata),
    storageClass: row.storage_class,
    uploadedAt: now,
  };
  const uses = parts.map((part) => ({ id: part.blob_id, size: part.size }));
  putObject(db, bucket, object, uses, "keep");
  for (const part of parts) stored.delete(part.part_number);
  for (const unused of stored.values()) dropUse(db, unused.blob_id, now);
  statements.removeParts.run(uploadId);
  statements.remove.run(uploadId);
  return object;
}

function chooseParts(
  stored: ReadonlyMap<number, PartRow>,
  chosen: readonly { readonly part: number; readonly etag: string }[],
): PartRow[] {
  const numbers = new Set(chosen.map(({ part }) => part));
  if (chosen.length === 0 || numbers.size !== chosen.length) throw new R2Refusal("badUpload");
  const parts = chosen.map(({ part, etag }) => {
    const found = stored.get(part);
    if (found?.etag !== etag) throw new R2Refusal("invalidPart");
    return found;
  });
  parts.sort((one, other) => one.part_number - other.part_number);
  const last = parts.at(-1);
  const [first, ...others] = parts.slice(0, -1);
  if (first !== undefined) {
    if (parts.slice(0, -1).some((part) => part.size < MIN_PART_BYTES)) throw new R2Refusal("entityTooSmall");
    // R2's rule: all parts are of one size, and only the last may be smaller.
    if (others.some((part) => part.size !== first.size)) throw new R2Refusal("badUpload");
    if (last !== undefined && last.size > first.size) throw new R2Refusal("badUpload");
  }
  return parts;
}

function multipartEtag(parts: readonly PartRow[]): string {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part.etag, "hex");
  return `${hash.digest("hex")}-${parts.length}`;
}

/** @returns false where there is no such upload. */
export function abortUpload(db: SqliteDatabase, upload: UploadKey, now: number): boolean {
  if (!uploadExists(db, upload)) return false;
  endUpload(db, upload.uploadId, now);
  return true;
}

/** Gives up at most `limit` uploads that were created before that time. @returns how many. */
export function expireUploads(db: SqliteDatabase, createdBefore: number, limit: number, now: number): number {
  const expired = statementsOf(db).expired.all(createdBefore, limit);
  for (const uploadId of expired) endUpload(db, uploadId, now);
  return expired.length;
}

function endUpload(db: SqliteDatabase, uploadId: string, now: number): void {
  const statements = statementsOf(db);
  for (const part of statements.parts.all(uploadId)) dropUse(db, part.blob_id, now);
  statements.removeParts.run(uploadId);
  statements.remove.run(uploadId);
}
