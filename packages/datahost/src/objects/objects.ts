import type { Readable } from "node:stream";
import { type BlobHash, BlobSizeError, type BlobStore, type Clock, type StoredBlob } from "@aerostack/kernel";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { type BlobUse, noteUnused } from "./blob-uses.ts";
import { type BlobSlice, coveringSlices, openSlices } from "./covering-parts.ts";
import { type ListOptions, type ListRendering, listObjects, type ObjectListing } from "./list-objects.ts";
import { abortUpload, type CompleteOptions, completeUpload, putPart } from "./multipart-store.ts";
import { checkAttributes, checkChecksums, checkObjectKey } from "./object-checks.ts";
import { meetsCondition, type ObjectCondition } from "./object-condition.ts";
import type { ObjectAttributes, ObjectHash, ObjectInfo, ObjectRange } from "./object-info.ts";
import { MAX_DELETE_KEYS, MAX_OBJECT_BYTES, MAX_PART_BYTES, MAX_PARTS } from "./object-limits.ts";
import { type RangeRequest, resolveRange } from "./object-range.ts";
import { createVersion, findObject, findParts, putObject, removeObject } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";
import { appendPart, type FinishAs, finishUpload } from "./resumable-store.ts";
import { createUpload, findUpload, type NewUploadOptions, type UploadKey, uploadExists } from "./upload-rows.ts";

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
  /** Hex, of content that the caller has verified itself; asked for once all bytes are in. */
  readonly attested?: (() => Readonly<Partial<Record<ObjectHash, string>>>) | undefined;
  /** Bytes that are announced; any other number is an upload cut short. */
  readonly size: number | undefined;
}

/** What to read: nothing for the whole object, a range of it, or a part by its number. */
export type ReadRequest = RangeRequest | { readonly part: number };

/** An object and where the bytes are that a reader asked for. */
export interface LocatedObject {
  readonly object: ObjectInfo;
  /** Null where the object has none of the bytes. */
  readonly range: ObjectRange | null;
  readonly slices: readonly BlobSlice[];
  /** Blobs that the object is made of. */
  readonly partCount: number;
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
  /** Where an object's bytes are, for a reader that has the blobs at hand. */
  locate(name: BucketName, key: string, request?: ReadRequest): LocatedObject;
  put(name: BucketName, key: string, content: AsyncIterable<Uint8Array>, options: PutOptions): Promise<ObjectInfo>;
  /** All or none. @returns how many there were. */
  /** @param onlyIf what each object that is there must be; else none is deleted */
  delete(name: BucketName, keys: readonly string[], onlyIf?: ObjectCondition): Promise<number>;
  list<T>(name: BucketName, options: ListOptions, rendering: ListRendering<T>): ObjectListing<T>;
  /** Without touching the bytes. Attributes are the source's where none are given. */
  copy(
    projectId: string,
    from: { readonly bucket: string; readonly key: string },
    to: { readonly bucket: string; readonly key: string },
    options?: CopyOptions,
  ): Promise<ObjectInfo>;
  setAttributes(name: BucketName, key: string, attributes: Partial<ObjectAttributes>): Promise<ObjectInfo>;
  createUpload(
    name: BucketName,
    key: string,
    attributes: ObjectAttributes,
    options?: NewUploadOptions,
  ): Promise<string>;
  uploadPart(
    name: BucketName,
    upload: { readonly key: string; readonly uploadId: string; readonly partNumber: number },
    content: AsyncIterable<Uint8Array>,
    size: number | undefined,
    attested?: PutOptions["attested"],
  ): Promise<{ etag: string }>;
  /** Adds to a resumable upload. @returns the bytes it has then. */
  append(
    name: BucketName,
    upload: { readonly uploadId: string; readonly offset: number },
    content: AsyncIterable<Uint8Array>,
    options: {
      readonly size: number | undefined;
      readonly checksums?: Readonly<Partial<Record<BlobHash, string>>> | undefined;
    },
  ): Promise<{ offset: number }>;
  finishUpload(name: BucketName, uploadId: string, as?: FinishAs): Promise<ObjectInfo>;
  completeUpload(
    name: BucketName,
    upload: { readonly key: string; readonly uploadId: string },
    parts: readonly { readonly part: number; readonly etag: string }[],
    options?: CompleteOptions,
  ): Promise<ObjectInfo>;
  abortUpload(name: BucketName, upload: { readonly key: string; readonly uploadId: string }): Promise<void>;
}

export interface CopyOptions {
  /** The source's where they are left out. */
  readonly attributes?: Partial<ObjectAttributes> | undefined;
  readonly sourceIf?: ObjectCondition | undefined;
  readonly onlyIf?: ObjectCondition | undefined;
  /** True: the source goes in the same commit. */
  readonly move?: boolean;
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
      const slices = coveringSlices(findParts(db, object.version), resolved);
      return { object, range: resolved, content: await openSlices(blobsOf(projectId), slices) };
    },

    locate({ projectId, bucket }, key, request) {
      checkObjectKey(key);
      const db = states.read(projectId);
      const object = found(db, bucket, key);
      const parts = findParts(db, object.version);
      const range = readRange(request, object.size, parts);
      const slices = range === null ? [] : coveringSlices(parts, range);
      return { object, range, slices, partCount: parts.length };
    },

    async put({ projectId, bucket }, key, content, { attributes, onlyIf, checksums = {}, attested, size }) {
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
          checksums: { md5: blob.hashes.md5, ...checksums, ...attested?.() },
          tags: {},
          ...attributes,
          uploadedAt: clock.now(),
        };
        putObject(db, bucket, object, [blob], "add");
        return object;
      });
    },

    async delete({ projectId, bucket }, keys, onlyIf) {
      if (keys.length > MAX_DELETE_KEYS) {
        throw new R2Refusal("invalidArgument", { message: `At most ${MAX_DELETE_KEYS} keys can be deleted at once.` });
      }
      for (const key of keys) checkObjectKey(key);
      const now = clock.now();
      const deleted = await states.commit(projectId, (db) => {
        if (onlyIf !== undefined) {
          const present = keys.map((key) => findObject(db, bucket, key)).filter((object) => object !== undefined);
          if (!present.every((object) => meetsCondition(onlyIf, object))) throw new R2Refusal("preconditionFailed");
        }
        return keys.filter((key) => removeObject(db, bucket, key, now)).length;
      });
      if (deleted > 0) onGarbage(projectId);
      return deleted;
    },

    list: ({ projectId, bucket }, options, rendering) =>
      listObjects(states.read(projectId), bucket, options, rendering),

    async copy(projectId, from, to, { attributes = {}, sourceIf, onlyIf, move = false } = {}) {
      checkObjectKey(from.key);
      checkObjectKey(to.key);
      const copied = await states.commit(projectId, (db) => {
        const source = found(db, from.bucket, from.key);
        if (sourceIf !== undefined && !meetsCondition(sourceIf, source)) throw new R2Refusal("preconditionFailed");
        if (onlyIf !== undefined && !meetsCondition(onlyIf, findObject(db, to.bucket, to.key))) {
          throw new R2Refusal("preconditionFailed");
        }
        const object = { ...source, ...attributes, key: to.key, version: createVersion(), uploadedAt: clock.now() };
        checkAttributes(object);
        const isSame = from.bucket === to.bucket && from.key === to.key;
        putObject(db, to.bucket, object, findParts(db, source.version), "add");
        if (move && !isSame) removeObject(db, from.bucket, from.key, clock.now());
        return object;
      });
      onGarbage(projectId);
      return copied;
    },

    setAttributes({ projectId, bucket }, key, attributes) {
      checkObjectKey(key);
      return states.commit(projectId, (db) => {
        const source = found(db, bucket, key);
        const object = { ...source, ...attributes, version: createVersion() };
        checkAttributes(object);
        putObject(db, bucket, object, findParts(db, source.version), "add");
        return object;
      });
    },

    createUpload({ projectId, bucket }, key, attributes, options) {
      checkObjectKey(key);
      checkAttributes(attributes);
      return states.commit(projectId, (db) => createUpload(db, bucket, key, attributes, clock.now(), options));
    },

    async append({ projectId, bucket }, { uploadId, offset }, content, { size, checksums = {} }) {
      const upload = findUpload(states.read(projectId), bucket, uploadId);
      if (upload === undefined || upload.length === null) throw new R2Refusal("noSuchUpload");
      if (upload.offset !== offset || upload.finishedAt !== null) throw new R2Refusal("wrongOffset");
      const hashes = Object.keys(checksums) as BlobHash[];
      const blob = await storeBytes(projectId, content, size, { maxBytes: upload.length - offset, hashes });
      return commitBlob(projectId, blob, (db) => {
        checkChecksums(checksums, blob);
        const now = appendPart(db, bucket, uploadId, offset, { ...blob, etag: blob.hashes.md5 }, clock.now());
        if (now === undefined) throw new R2Refusal("wrongOffset");
        return { offset: now };
      });
    },

    async finishUpload({ projectId, bucket }, uploadId, as) {
      if (as !== undefined) {
        checkObjectKey(as.key);
        checkAttributes(as.attributes);
      }
      const object = await states.commit(projectId, (db) => finishUpload(db, bucket, uploadId, clock.now(), as));
      onGarbage(projectId);
      return object;
    },

    async uploadPart({ projectId, bucket }, { key, uploadId, partNumber }, content, size, attested) {
      checkObjectKey(key);
      if (partNumber < 1 || partNumber > MAX_PARTS) throw new R2Refusal("invalidArgument");
      const upload: UploadKey = { bucket, key, uploadId };
      if (!uploadExists(states.read(projectId), upload)) throw new R2Refusal("noSuchUpload");
      const blob = await storeBytes(projectId, content, size, { maxBytes: MAX_PART_BYTES });
      const etag = blob.hashes.md5;
      return commitBlob(projectId, blob, (db) => {
        // It may have been completed or aborted while the bytes came in.
        const part = { ...blob, partNumber, etag, checksums: attested?.() };
        if (!putPart(db, upload, part, clock.now())) throw new R2Refusal("noSuchUpload");
        return { etag };
      });
    },

    async completeUpload({ projectId, bucket }, { key, uploadId }, parts, options) {
      checkObjectKey(key);
      const object = await states.commit(projectId, (db) =>
        completeUpload(db, { bucket, key, uploadId }, parts, clock.now(), options),
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

function readRange(request: ReadRequest | undefined, size: number, parts: readonly BlobUse[]): ObjectRange | null {
  if (request !== undefined && "part" in request) {
    const at = request.part - 1;
    const part = parts[at];
    if (part === undefined) return size === 0 && at === 0 ? { offset: 0, length: 0 } : null;
    return { offset: parts.slice(0, at).reduce((sum, one) => sum + one.size, 0), length: part.size };
  }
  try {
    return resolveRange(request, size);
  } catch (error) {
    if (error instanceof R2Refusal && error.kind === "invalidRange") return null;
    throw error;
  }
}
