import { createHash } from "node:crypto";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { addUse, type BlobUse } from "./blob-uses.ts";
import type { ObjectAttributes, ObjectInfo } from "./object-info.ts";
import { MAX_PARTS } from "./object-limits.ts";
import { createVersion, putObject } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";
import { findUpload, multipartEtag, type PartRow, statementsOf } from "./upload-rows.ts";

/**
 * Adds bytes to the end of a resumable upload.
 * @returns the bytes it has now; undefined where it does not stand at `offset`.
 * @throws R2Refusal noSuchUpload
 */
export function appendPart(
  db: SqliteDatabase,
  bucket: string,
  uploadId: string,
  offset: number,
  part: BlobUse & { readonly etag: string },
  now: number,
): number | undefined {
  const upload = findUpload(db, bucket, uploadId);
  if (upload?.length === undefined || upload.length === null) throw new R2Refusal("noSuchUpload");
  if (upload.finishedAt !== null || upload.offset !== offset) return undefined;
  const statements = statementsOf(db);
  const last = statements.parts.all(uploadId).at(-1)?.part_number ?? 0;
  if (last >= MAX_PARTS) {
    throw new R2Refusal("entityTooLarge", { message: `An upload has at most ${MAX_PARTS} pieces: send larger ones.` });
  }
  statements.putPart.run(uploadId, last + 1, part.id, part.size, part.etag, null, now);
  addUse(db, part);
  return offset + part.size;
}

/**
 * Tells the length of a resumable upload that began without one.
 * @throws R2Refusal noSuchUpload, invalidArgument where it has another already, or more bytes; entityTooLarge
 */
export function setUploadLength(db: SqliteDatabase, bucket: string, uploadId: string, length: number): void {
  const upload = findUpload(db, bucket, uploadId);
  if (upload === undefined || upload.length === null) throw new R2Refusal("noSuchUpload");
  if (upload.isDeferred ? length < upload.offset : length !== upload.length) {
    throw new R2Refusal("invalidArgument", { message: "The upload has another length, or more bytes already." });
  }
  if (length > upload.length) throw new R2Refusal("entityTooLarge");
  statementsOf(db).setLength.run(length, uploadId);
}

/** What an upload becomes whose object was not known when it began. */
export interface FinishAs {
  readonly key: string;
  readonly attributes: ObjectAttributes;
}

/**
 * Makes an object of a resumable upload that has all its bytes; the upload stays, so that its end can be asked for. With
 * `as`, of whatever bytes it has, and it is gone.
 * @throws R2Refusal noSuchUpload
 */
export function finishUpload(
  db: SqliteDatabase,
  bucket: string,
  uploadId: string,
  now: number,
  as?: FinishAs,
): ObjectInfo {
  const upload = findUpload(db, bucket, uploadId);
  const isWhole = upload !== undefined && (as !== undefined || (upload.offset === upload.length && !upload.isDeferred));
  if (!isWhole || upload.length === null || upload.finishedAt !== null || upload.concat !== null)
    throw new R2Refusal("noSuchUpload");
  const statements = statementsOf(db);
  const parts = statements.parts.all(uploadId);
  const object: ObjectInfo = {
    key: as?.key ?? upload.key,
    version: createVersion(),
    size: upload.offset,
    etag: etagOf(parts),
    checksums: {},
    tags: {},
    ...(as?.attributes ?? upload.attributes),
    uploadedAt: now,
  };
  const uses = parts.map((part) => ({ id: part.blob_id, size: part.size }));
  putObject(db, bucket, object, uses, "keep");
  statements.removeParts.run(uploadId);
  if (as === undefined) statements.finish.run(now, uploadId);
  else statements.remove.run(uploadId);
  return object;
}

/** Bytes that came in one piece have their md5, as after a plain put. */
export function etagOf(parts: readonly PartRow[]): string {
  const [first] = parts;
  if (first === undefined) return createHash("md5").digest("hex");
  return parts.length === 1 ? first.etag : multipartEtag(parts);
}
