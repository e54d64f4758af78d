import { createHash } from "node:crypto";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { addUse, type BlobUse } from "./blob-uses.ts";
import type { ObjectInfo } from "./object-info.ts";
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
  statements.putPart.run(uploadId, last + 1, part.id, part.size, part.etag, now);
  addUse(db, part);
  return offset + part.size;
}

/** Makes an object of a resumable upload that has all its bytes; the upload stays, so that its end can be asked for. */
export function finishUpload(db: SqliteDatabase, bucket: string, uploadId: string, now: number): ObjectInfo {
  const upload = findUpload(db, bucket, uploadId);
  if (upload === undefined || upload.finishedAt !== null || upload.offset !== upload.length) {
    throw new R2Refusal("noSuchUpload");
  }
  const statements = statementsOf(db);
  const parts = statements.parts.all(uploadId);
  const object: ObjectInfo = {
    key: upload.key,
    version: createVersion(),
    size: upload.length,
    etag: etagOf(parts),
    checksums: {},
    ...upload.attributes,
    uploadedAt: now,
  };
  putObject(
    db,
    bucket,
    object,
    parts.map((part) => ({ id: part.blob_id, size: part.size })),
    "keep",
  );
  statements.removeParts.run(uploadId);
  statements.finish.run(now, uploadId);
  return object;
}

/** Bytes that came in one piece have their md5, as after a plain put. */
function etagOf(parts: readonly PartRow[]): string {
  const [first] = parts;
  if (first === undefined) return createHash("md5").digest("hex");
  return parts.length === 1 ? first.etag : multipartEtag(parts);
}
