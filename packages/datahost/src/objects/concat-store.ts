import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { ObjectAttributes, ObjectInfo } from "./object-info.ts";
import { MAX_PARTS } from "./object-limits.ts";
import { createVersion, putObject } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";
import { etagOf } from "./resumable-store.ts";
import { createUpload, findUpload, type PartRow, statementsOf } from "./upload-rows.ts";

/** An object that is made of uploads of parts of it, one after another. */
export interface ConcatRequest {
  readonly key: string;
  readonly attributes: ObjectAttributes;
  /** The key that each part was begun with. */
  readonly partialKey: string;
  /** Of the parts, in order. */
  readonly uploadIds: readonly string[];
  readonly maxBytes: number;
  /** How the client named the parts: told again where the upload is asked for. */
  readonly concat: string;
}

/** What an upload is that becomes part of another one. */
export const PARTIAL = "partial";

/**
 * Makes one object of uploads that have all their bytes, and ends those. Asked again for the same, it answers the same:
 * the answer to the first request may have been lost.
 *
 * @returns the upload that stands for the object
 * @throws R2Refusal noSuchUpload, wrongOffset where a part lacks bytes, entityTooLarge, badUpload where one is named twice
 */
export function concatUploads(db: SqliteDatabase, bucket: string, request: ConcatRequest, now: number): string {
  const { key, attributes, uploadIds, concat } = request;
  const statements = statementsOf(db);
  const done = statements.concatenated.get(bucket, key, concat);
  if (done !== undefined) return done;
  if (uploadIds.length === 0 || new Set(uploadIds).size !== uploadIds.length) throw new R2Refusal("badUpload");
  for (const uploadId of uploadIds) {
    const upload = findUpload(db, bucket, uploadId);
    if (upload?.concat !== PARTIAL || upload.key !== request.partialKey) throw new R2Refusal("noSuchUpload");
    if (upload.isDeferred || upload.offset !== upload.length) {
      throw new R2Refusal("wrongOffset", { message: "A part of the upload lacks bytes." });
    }
  }
  const parts: PartRow[] = uploadIds.flatMap((uploadId) => statements.parts.all(uploadId));
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (size > request.maxBytes || parts.length > MAX_PARTS) throw new R2Refusal("entityTooLarge");
  const object: ObjectInfo = {
    key,
    version: createVersion(),
    size,
    etag: etagOf(parts),
    checksums: {},
    tags: {},
    ...attributes,
    uploadedAt: now,
  };
  putObject(
    db,
    bucket,
    object,
    parts.map((part) => ({ id: part.blob_id, size: part.size })),
    "keep",
  );
  for (const uploadId of uploadIds) {
    statements.removeParts.run(uploadId);
    statements.remove.run(uploadId);
  }
  const uploadId = createUpload(db, bucket, key, attributes, now, { length: size, concat });
  statements.finish.run(now, uploadId);
  return uploadId;
}
