import { Readable } from "node:stream";
import {
  type BlobHash,
  BlobMissingError,
  BlobSizeError,
  type BlobStore,
  type Clock,
  type StoredBlob,
} from "@aerostack/kernel";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { type BlobUse, noteUnused } from "./blob-uses.ts";
import { type ListOptions, type ListRendering, listObjects, type ObjectListing } from "./list-objects.ts";
import { abortUpload, completeUpload, createUpload, putPart, type UploadKey, uploadExists } from "./multipart-store.ts";
import { checkAttributes, checkChecksums, checkObjectKey } from "./object-checks.ts";
import { meetsCondition, type ObjectCondition } from "./object-condition.ts";
import type { ObjectAttributes, ObjectInfo, ObjectRange } from "./object-info.ts";
import { MAX_DELETE_KEYS, MAX_OBJECT_BYTES, MAX_PART_BYTES, MAX_PARTS } from "./object-limits.ts";
import { type RangeRequest, resolveRange } from "./object-range.ts";
import { createVersion, findObject, findParts, putObject, removeObject } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";

/** A bucket of a project. */
export interface BucketName {
  readonly projectId: string;
  readonly bucket: string;
}

export interface ObjectsOptions {
  readonly states: StateDatabases;
  /** Where the bytes of a project's objects are. */
  readonly blobsOf: (projectId: string) => BlobStore;
  readonly clock: Clock;
  /** A project may have blobs now that nothing uses. */
  readonly onGarbage: (projectId: string) => void;
}

export interface PutOptions {
  readonly attributes: ObjectAttributes;
  readonly onlyIf?: ObjectCondition | undefined;
  /** Hex; refused when the content has others. */
  readonly checksums?: Readonly<Partial<Record<BlobHash, string>>>;
  /** Bytes that are announced; any other number is an upload cut short. */
  readonly size: number | undefined;
}

export interface OpenObject {
  readonly object: ObjectInfo;
  readonly range: ObjectRange;
  readonly content: Readable;
}

/**
 * Objects with R2's semantics: bytes in sealed blobs, everything else in the project's database. Bytes are durable
 * before the row that names them, in one commit with whatever the row replaces. @throws R2Refusal everywhere
 */
export interface Objects {
  head(name: BucketName, key: string): ObjectInfo;
  get(name: BucketName, key: string, range?: RangeRequest, onlyIf?: ObjectCondition): Promise<OpenObject>;
  put(name: BucketName, key: string, content: AsyncIterable<Uint8Array>, options: PutOptions): Promise<ObjectInfo>;
  /** All or none. @returns how many there were. */
  delete(name: BucketName, keys: readonly string[]): Promise<number>;
  list<T>(name: BucketName, options: ListOptions, rendering: ListRendering<T>): ObjectListing<T>;
  /** Without touching the bytes. Attributes are the source's where none are given. */
  copy(
    projectId: string,
    from: { readonly bucket: string; readonly key: string },
    to: { readonly bucket: string; readonly key: string },
    attributes?: Partial<ObjectAttributes>,
  ): Promise<ObjectInfo>;
  createUpload(name: BucketName, key: string, attributes: ObjectAttributes): Promise<string>;
  uploadPart(
    name: BucketName,
    upload: { readonly key: string; readonly uploadId: string; readonly partNumber: number },
    content: AsyncIterable<Uint8Array>,
    size: number | undefined,
  ): Promise<{ etag: string }>;
  completeUpload(
    name: BucketName,
    upload: { readonly key: string; readonly uploadId: string },
    parts: readonly { readonly part: number; readonly etag: string }[],
  ): Promise<ObjectInfo>;
  abortUpload(name: BucketName, upload: { readonly key: string; readonly uploadId: string }): Promise<void>;
}

export function createObjects({ states, blobsOf, clock, onGarbage }: ObjectsOptions): Objects {
  function found(db: SqliteDatabase, bucket: string, key: string): ObjectInfo {
    const object = findObject(db, bucket, key);
    if (object === undefined) throw new R2Refusal("noSuchKey");
    return object;
  }

  async function storeBytes(
    projectId: string,
    content: AsyncIterable<Uint8Array>,
    size: number | undefined,
    limits: { readonly maxBytes: number; readonly hashes?: readonly BlobHash[] },
  ): Promise<StoredBlob> {
    if (size !== undefined && size > limits.maxBytes) throw new R2Refusal("entityTooLarge");
    try {
      return await blobsOf(projectId).put(content, {
        ...limits,
        ...(size === undefined ? {} : { expectedBytes: size }),
      });
    } catch (error) {
      if (error instanceof BlobSizeError)
        throw new R2Refusal(size === undefined ? "entityTooLarge" : "invalidArgument");
      throw error;
    }
  }

  /** Commits what names a blob; where that is refused, the blob is counted as unused instead. */
  async function commitBlob<T>(projectId: string, blob: BlobUse, work: (db: SqliteDatabase) => T): Promise<T> {
    try {
      return await states.commit(projectId, work);
    } catch (error) {
      // Where not even that succeeds, the blob is found by the search for blobs that nothing counts.
      await states.commit(projectId, (db) => noteUnused(db, blob, clock.now())).catch(() => undefined);
      throw error;
    } finally {
      onGarbage(projectId);
    }
  }

  return {
    head({ projectId, bucket }, key) {
      checkObjectKey(key);
      return found(states.read(projectId), bucket, key);
    },

    async get({ projectId, bucket }, key, range, onlyIf) {
      checkObjectKey(key);
      const db = states.read(projectId);
      const object = found(db, bucket, key);
      if (onlyIf !== undefined && !meetsCondition(onlyIf, object))
        throw new R2Refusal("preconditionFailed", { object });
      const resolved = resolveRange(range, object.size);
      const content = await openParts(blobsOf(projectId), findParts(db, object.version), resolved);
      return { object, range: resolved, content };
    },

    async put({ projectId, bucket }, key, content, { attributes, onlyIf, checksums = {}, size }) {
      checkObjectKey(key);
      checkAttributes(attributes);
      const hashes = Object.keys(checksums) as BlobHash[];
      const blob = await storeBytes(projectId, content, size, { maxBytes: MAX_OBJECT_BYTES, hashes });
      return commitBlob(projectId, blob, (db) => {
        checkChecksums(checksums, blob);
        if (onlyIf !== undefined && !meetsCondition(onlyIf, findObject(db, bucket, key))) {
          throw new R2Refusal("preconditionFailed");
        }
        const object: ObjectInfo = {
          key,
          version: createVersion(),
          size: blob.size,
          etag: blob.hashes.md5,
          checksums: { md5: blob.hashes.md5, ...checksums },
          ...attributes,
          uploadedAt: clock.now(),
        };
        putObject(db, bucket, object, [blob], "add");
        return object;
      });
    },

    async delete({ projectId, bucket }, keys) {
      if (keys.length > MAX_DELETE_KEYS) {
        throw new R2Refusal("invalidArgument", { message: `At most ${MAX_DELETE_KEYS} keys can be deleted at once.` });
      }
      for (const key of keys) checkObjectKey(key);
      const now = clock.now();
      const deleted = await states.commit(
        projectId,
        (db) => keys.filter((key) => removeObject(db, bucket, key, now)).length,
      );
      if (deleted > 0) onGarbage(projectId);
      return deleted;
    },

    list: ({ projectId, bucket }, options, rendering) =>
      listObjects(states.read(projectId), bucket, options, rendering),

    async copy(projectId, from, to, attributes = {}) {
      checkObjectKey(from.key);
      checkObjectKey(to.key);
      const copied = await states.commit(projectId, (db) => {
        const source = found(db, from.bucket, from.key);
        const object = { ...source, ...attributes, key: to.key, version: createVersion(), uploadedAt: clock.now() };
        checkAttributes(object);
        putObject(db, to.bucket, object, findParts(db, source.version), "add");
        return object;
      });
      onGarbage(projectId);
      return copied;
    },

    createUpload({ projectId, bucket }, key, attributes) {
      checkObjectKey(key);
      checkAttributes(attributes);
      return states.commit(projectId, (db) => createUpload(db, bucket, key, attributes, clock.now()));
    },

    async uploadPart({ projectId, bucket }, { key, uploadId, partNumber }, content, size) {
      checkObjectKey(key);
      if (partNumber < 1 || partNumber > MAX_PARTS) throw new R2Refusal("invalidArgument");
      const upload: UploadKey = { bucket, key, uploadId };
      if (!uploadExists(states.read(projectId), upload)) throw new R2Refusal("noSuchUpload");
      const blob = await storeBytes(projectId, content, size, { maxBytes: MAX_PART_BYTES });
      const etag = blob.hashes.md5;
      return commitBlob(projectId, blob, (db) => {
        // It may have been completed or aborted while the bytes came in.
        if (!putPart(db, upload, { ...blob, partNumber, etag }, clock.now())) throw new R2Refusal("noSuchUpload");
        return { etag };
      });
    },

    async completeUpload({ projectId, bucket }, { key, uploadId }, parts) {
      checkObjectKey(key);
      const object = await states.commit(projectId, (db) =>
        completeUpload(db, { bucket, key, uploadId }, parts, clock.now()),
      );
      onGarbage(projectId);
      return object;
    },

    async abortUpload({ projectId, bucket }, { key, uploadId }) {
      checkObjectKey(key);
      const isAborted = await states.commit(projectId, (db) => abortUpload(db, { bucket, key, uploadId }, clock.now()));
      if (!isAborted) throw new R2Refusal("noSuchUpload");
      onGarbage(projectId);
    },
  };
}

/** The bytes of a range from the blobs that cover it. The first is opened at once, so that one that is missing is told. */
async function openParts(blobs: BlobStore, parts: readonly BlobUse[], range: ObjectRange): Promise<Readable> {
  const covering: { id: string; offset: number; length: number }[] = [];
  const end = range.offset + range.length;
  let start = 0;
  for (const part of parts) {
    const offset = Math.max(0, range.offset - start);
    const length = Math.min(part.size, end - start) - offset;
    if (length > 0) covering.push({ id: part.id, offset, length });
    start += part.size;
  }
  const [first, ...others] = covering;
  if (first === undefined) return Readable.from([]);
  const opened = await open(blobs, first);
  if (others.length === 0) return opened;
  async function* all(): AsyncGenerator<Buffer> {
    yield* opened;
    for (const part of others) yield* await open(blobs, part);
  }
  const content = Readable.from(all(), { objectMode: false });
  content.once("close", () => opened.destroy());
  return content;
}

async function open(blobs: BlobStore, part: { id: string; offset: number; length: number }): Promise<Readable> {
  try {
    return await blobs.get(part.id, part);
  } catch (error) {
    if (error instanceof BlobMissingError) throw new Error(`an object's blob ${part.id} is missing`, { cause: error });
    throw error;
  }
}
