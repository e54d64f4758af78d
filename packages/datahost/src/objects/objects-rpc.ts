import { refusalsAsErrors } from "../state/refusal.ts";
import { checkResourceName } from "../state/rpc-values.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { allBuckets, createBucket, deleteBucket, hasBucket, readLifecycle } from "./bucket-store.ts";
import { type ConcatRequest, concatUploads } from "./concat-store.ts";
import type { LifecycleRule } from "./lifecycle-rule.ts";
import type { Lifecycles } from "./lifecycles.ts";
import { type CompleteOptions, listParts, pageUploads } from "./multipart-store.ts";
import { checkAttributes, checkObjectKey } from "./object-checks.ts";
import type { ObjectCondition } from "./object-condition.ts";
import type { ObjectAttributes, ObjectInfo } from "./object-info.ts";
import { MAX_LIST_BYTES } from "./object-limits.ts";
import { findParts } from "./object-store.ts";
import type { BucketName, CopyOptions, LocatedObject, Objects, ReadRequest } from "./objects.ts";
import { R2Refusal } from "./r2-refusal.ts";
import { type FinishAs, setUploadLength } from "./resumable-store.ts";
import { findUpload, type NewUploadOptions } from "./upload-rows.ts";

export interface ObjectListParams extends BucketName {
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly startAfter?: string;
  readonly limit?: number;
  readonly cursor?: string | null;
}

export interface ObjectListResult {
  readonly objects: readonly ObjectInfo[];
  readonly delimitedPrefixes: readonly string[];
  readonly cursor: string | null;
}

export interface ObjectCopyParams extends CopyOptions {
  readonly projectId: string;
  readonly from: { readonly bucket: string; readonly key: string };
  readonly to: { readonly bucket: string; readonly key: string };
}

export interface ObjectParts {
  readonly object: ObjectInfo;
  /** Checksums are hex, of the algorithm of the upload that the object was made by. */
  readonly parts: readonly { readonly size: number; readonly checksum: string | null }[];
}

interface UploadParams extends BucketName {
  readonly key: string;
  readonly uploadId: string;
}

/**
 * Object calls of the server. Bytes go in through the binding's door: see `createObjectClient`; they are read from the
 * blobs that `objects.locate` names.
 */
export function createObjectsRpc({
  objects,
  states,
  lifecycles,
  now,
}: {
  readonly objects: Objects;
  readonly states: StateDatabases;
  readonly lifecycles: Lifecycles;
  readonly now: () => number;
}) {
  return {
    /** Null where there is no such object. */
    "objects.head": guarded((params: BucketName & { key: string }): ObjectInfo | null =>
      unlessMissing(() => objects.head(params, params.key)),
    ),

    /** Null where there is no such object. */
    "objects.locate": guarded((params: BucketName & { key: string; request?: ReadRequest }): LocatedObject | null =>
      unlessMissing(() => objects.locate(params, params.key, params.request)),
    ),

    "objects.list": guarded((params: ObjectListParams): ObjectListResult => {
      const listing = objects.list(
        params,
        { ...params, cursor: params.cursor ?? undefined },
        {
          maxBytes: MAX_LIST_BYTES,
          render: (object) => ({ entry: object, bytes: Buffer.byteLength(JSON.stringify(object)) }),
        },
      );
      return { ...listing, cursor: listing.cursor ?? null };
    }),

    /** All or none; `deleted` counts those that were there. */
    "objects.delete": guarded(
      async (
        params: BucketName & { keys: readonly string[]; onlyIf?: ObjectCondition },
      ): Promise<{ deleted: number }> => ({
        deleted: await objects.delete(params, params.keys, params.onlyIf),
      }),
    ),

    "objects.copy": refusalsAsErrors(
      async ({ projectId, from, to, ...options }: ObjectCopyParams): Promise<ObjectInfo> => {
        checkResourceName(from.bucket, "from");
        checkResourceName(to.bucket, "to");
        return objects.copy(projectId, from, to, options);
      },
    ),

    "objects.setAttributes": guarded(
      (params: BucketName & { key: string; attributes: Partial<ObjectAttributes> }): Promise<ObjectInfo> =>
        objects.setAttributes(params, params.key, params.attributes),
    ),

    /** The parts that an object was put together of, in order; null where there is no such object. */
    "objects.parts": guarded((params: BucketName & { key: string }): ObjectParts | null =>
      unlessMissing(() => {
        const object = objects.head(params, params.key);
        const parts = findParts(states.read(params.projectId), object.version);
        return { object, parts: parts.map(({ size, checksum = null }) => ({ size, checksum })) };
      }),
    ),

    "objects.createUpload": guarded(
      async (params: BucketName & NewUploadOptions & { key: string; attributes: ObjectAttributes }) => ({
        uploadId: await objects.createUpload(params, params.key, params.attributes, params),
      }),
    ),

    "objects.completeUpload": guarded(
      (
        params: UploadParams &
          CompleteOptions & { readonly parts: readonly { readonly part: number; readonly etag: string }[] },
      ): Promise<ObjectInfo> => objects.completeUpload(params, params, params.parts, params),
    ),

    "objects.abortUpload": guarded(async (params: UploadParams): Promise<null> => {
      await objects.abortUpload(params, params);
      return null;
    }),

    "objects.listParts": guarded((params: UploadParams) => listParts(states.read(params.projectId), params)),

    "objects.listUploads": guarded(
      (params: BucketName & { prefix: string; afterKey: string; afterUploadId: string; limit: number }) => ({
        uploads: pageUploads(
          states.read(params.projectId),
          params.bucket,
          params.prefix,
          { key: params.afterKey, uploadId: params.afterUploadId },
          params.limit,
        ),
      }),
    ),

    /** Null where there is no such upload. */
    "objects.findUpload": guarded(
      (params: BucketName & { uploadId: string }) =>
        findUpload(states.read(params.projectId), params.bucket, params.uploadId) ?? null,
    ),

    "objects.setUploadLength": guarded(
      async (params: BucketName & { uploadId: string; length: number }): Promise<null> => {
        await states.commit(params.projectId, (db) =>
          setUploadLength(db, params.bucket, params.uploadId, params.length),
        );
        return null;
      },
    ),

    "objects.concatUploads": guarded(async (params: BucketName & ConcatRequest): Promise<{ uploadId: string }> => {
      checkObjectKey(params.key);
      checkAttributes(params.attributes);
      return {
        uploadId: await states.commit(params.projectId, (db) => concatUploads(db, params.bucket, params, now())),
      };
    }),

    "objects.finishUpload": guarded(
      (params: BucketName & { uploadId: string; as?: FinishAs }): Promise<ObjectInfo> =>
        objects.finishUpload(params, params.uploadId, params.as),
    ),

    "objects.buckets": (params: { projectId: string }) => ({ buckets: allBuckets(states.read(params.projectId)) }),

    "objects.hasBucket": guarded((params: BucketName) => ({
      exists: hasBucket(states.read(params.projectId), params.bucket),
    })),

    "objects.createBucket": guarded(async (params: BucketName): Promise<null> => {
      await states.commit(params.projectId, (db) => createBucket(db, params.bucket, now()));
      return null;
    }),

    "objects.deleteBucket": guarded(async (params: BucketName): Promise<null> => {
      await states.commit(params.projectId, (db) => deleteBucket(db, params.bucket));
      return null;
    }),

    "objects.readLifecycle": guarded((params: BucketName) => ({
      rules: readLifecycle(states.read(params.projectId), params.bucket),
    })),

    "objects.writeLifecycle": guarded(
      async (params: BucketName & { rules: readonly LifecycleRule[] }): Promise<null> => {
        await lifecycles.set(params, params.rules);
        return null;
      },
    ),
  };
}

function unlessMissing<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof R2Refusal && error.kind === "noSuchKey") return null;
    throw error;
  }
}

/** Checks the bucket's name, and turns a refusal into the platform's error, with its kind in `details.reason`. */
function guarded<Params extends BucketName, Result>(handler: (params: Params) => Result): (params: Params) => Result {
  return refusalsAsErrors((params: Params) => {
    checkResourceName(params.bucket, "bucket");
    return handler(params);
  });
}
