import { keyRange } from "../state/key-range.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { addUse, type BlobUse, dropUse } from "./blob-uses.ts";
import { meetsCondition, type ObjectCondition } from "./object-condition.ts";
import type { CompositeChecksum, ObjectInfo } from "./object-info.ts";
import { MIN_PART_BYTES } from "./object-limits.ts";
import { createVersion, findObject, putObject } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";
import {
  endUpload,
  infoOf,
  multipartEtag,
  type PartRow,
  statementsOf,
  type UploadInfo,
  type UploadKey,
  uploadExists,
} from "./upload-rows.ts";

/** What the parts of an upload must be: R2 wants all but the last of one size, S3 their numbers in order. */
export type PartRule = "r2" | "s3";

export interface CompleteOptions {
  readonly rule?: PartRule;
  readonly onlyIf?: ObjectCondition | undefined;
  /** Hex, of the whole: the caller has put them together of the checksums of the very parts that it chose. */
  readonly checksums?: ObjectInfo["checksums"] | undefined;
  readonly composite?: CompositeChecksum | undefined;
}

export interface UploadPart {
  readonly partNumber: number;
  readonly size: number;
  readonly etag: string;
  /** Hex, of the upload's algorithm; null where it has none. */
  readonly checksum: string | null;
  readonly uploadedAt: number;
}

export function listParts(db: SqliteDatabase, upload: UploadKey): { upload: UploadInfo; parts: UploadPart[] } {
  const statements = statementsOf(db);
  const row = statements.find.get(upload.uploadId, upload.bucket, upload.key);
  if (row === undefined || row.length !== null) throw new R2Refusal("noSuchUpload");
  return {
    upload: infoOf(row),
    parts: statements.parts.all(upload.uploadId).map((part) => ({
      partNumber: part.part_number,
      size: part.size,
      etag: part.etag,
      checksum: part.checksum,
      uploadedAt: part.uploaded_at,
    })),
  };
}

/** Uploads that are put together of parts, by key and id, after a position. */
export function pageUploads(
  db: SqliteDatabase,
  bucket: string,
  prefix: string,
  after: { readonly key: string; readonly uploadId: string },
  limit: number,
): UploadInfo[] {
  const { lower, upper } = keyRange(prefix, null);
  return statementsOf(db).page.all(bucket, lower, upper, after.key, after.uploadId, limit).map(infoOf);
}

/** Keeps a part, in place of an earlier one of its number. @returns false where there is no such upload any more. */
export function putPart(
  db: SqliteDatabase,
  upload: UploadKey,
  part: BlobUse & {
    readonly partNumber: number;
    readonly etag: string;
    readonly checksums?: ObjectInfo["checksums"] | undefined;
  },
  now: number,
): boolean {
  const statements = statementsOf(db);
  const row = statements.find.get(upload.uploadId, upload.bucket, upload.key);
  if (row === undefined) return false;
  const { checksum } = infoOf(row);
  const hex = checksum === null ? null : (part.checksums?.[checksum.algorithm] ?? null);
  const replaced = statements.part.get(upload.uploadId, part.partNumber);
  statements.putPart.run(upload.uploadId, part.partNumber, part.id, part.size, part.etag, hex, now);
  addUse(db, part);
  if (replaced !== undefined) dropUse(db, replaced.blob_id, now);
  return true;
}

/**
 * Makes an object of the chosen parts, and ends the upload. All in the caller's transaction.
 * @throws R2Refusal noSuchUpload, invalidPart, entityTooSmall, badUpload, invalidPartOrder, preconditionFailed
 */
export function completeUpload(
  db: SqliteDatabase,
  upload: UploadKey,
  chosen: readonly { readonly part: number; readonly etag: string }[],
  now: number,
  { rule = "r2", onlyIf, checksums = {}, composite }: CompleteOptions = {},
): ObjectInfo {
  const statements = statementsOf(db);
  const { bucket, key, uploadId } = upload;
  const row = statements.find.get(uploadId, bucket, key);
  if (row === undefined || row.length !== null) throw new R2Refusal("noSuchUpload");
  if (onlyIf !== undefined && !meetsCondition(onlyIf, findObject(db, bucket, key))) {
    throw new R2Refusal("preconditionFailed");
  }
  const stored = new Map(statements.parts.all(uploadId).map((part) => [part.part_number, part]));
  const parts = chooseParts(stored, chosen, rule);
  const object: ObjectInfo = {
    key,
    version: createVersion(),
    size: parts.reduce((size, part) => size + part.size, 0),
    etag: multipartEtag(parts),
    checksums,
    ...(composite === undefined ? {} : { composite }),
    ...infoOf(row).attributes,
    uploadedAt: now,
  };
  const uses = parts.map(({ blob_id: id, size, checksum }) => ({ id, size, checksum }));
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
  rule: PartRule,
): PartRow[] {
  const numbers = new Set(chosen.map(({ part }) => part));
  if (chosen.length === 0 || numbers.size !== chosen.length) throw new R2Refusal("badUpload");
  const parts = chosen.map(({ part, etag }) => {
    const found = stored.get(part);
    if (found?.etag !== etag) throw new R2Refusal("invalidPart");
    return found;
  });
  if (rule === "s3" && parts.some((part, index) => part.part_number < (parts[index - 1]?.part_number ?? 0))) {
    throw new R2Refusal("invalidPartOrder");
  }
  parts.sort((one, other) => one.part_number - other.part_number);
  const last = parts.at(-1);
  const [first, ...others] = parts.slice(0, -1);
  if (first !== undefined) {
    if (parts.slice(0, -1).some((part) => part.size < MIN_PART_BYTES)) throw new R2Refusal("entityTooSmall");
    if (rule !== "r2") return parts;
    // R2's rule: all parts are of one size, and only the last may be smaller.
    if (others.some((part) => part.size !== first.size)) throw new R2Refusal("badUpload");
    if (last !== undefined && last.size > first.size) throw new R2Refusal("badUpload");
  }
  return parts;
}

/** @returns false where there is no such upload. */
export function abortUpload(db: SqliteDatabase, upload: UploadKey, now: number): boolean {
  if (!uploadExists(db, upload)) return false;
  endUpload(db, upload.uploadId, now);
  return true;
}
