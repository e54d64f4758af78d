import { refusalsAsErrors } from "../state/refusal.ts";
import { checkResourceName } from "../state/rpc-values.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import type { ObjectAttributes, ObjectInfo } from "./object-info.ts";
import { MAX_LIST_BYTES } from "./object-limits.ts";
import { listBuckets } from "./object-store.ts";
import type { BucketName, Objects } from "./objects.ts";
import { R2Refusal } from "./r2-refusal.ts";

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

export interface ObjectCopyParams {
  readonly projectId: string;
  readonly from: { readonly bucket: string; readonly key: string };
  readonly to: { readonly bucket: string; readonly key: string };
  /** Kept from the source where they are left out. */
  readonly attributes?: Partial<ObjectAttributes>;
}

/** Object calls of the server and the CLI. Bytes go through the binding's door instead: see `createObjectClient`. */
export function createObjectsRpc({ objects, states }: { readonly objects: Objects; readonly states: StateDatabases }) {
  return {
    /** Null where there is no such object. */
    "objects.head": guarded((params: BucketName & { key: string }): ObjectInfo | null => {
      try {
        return objects.head(params, params.key);
      } catch (error) {
        if (error instanceof R2Refusal && error.kind === "noSuchKey") return null;
        throw error;
      }
    }),

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
      async (params: BucketName & { keys: readonly string[] }): Promise<{ deleted: number }> => ({
        deleted: await objects.delete(params, params.keys),
      }),
    ),

    "objects.copy": refusalsAsErrors(async (params: ObjectCopyParams): Promise<ObjectInfo> => {
      checkResourceName(params.from.bucket, "from");
      checkResourceName(params.to.bucket, "to");
      return objects.copy(params.projectId, params.from, params.to, params.attributes);
    }),

    "objects.buckets": (params: { projectId: string }): { buckets: { name: string }[] } => ({
      buckets: listBuckets(states.read(params.projectId)).map((name) => ({ name })),
    }),
  };
}

/** Checks the bucket's name, and turns a refusal into the platform's error. */
function guarded<Params extends BucketName, Result>(handler: (params: Params) => Result): (params: Params) => Result {
  return refusalsAsErrors((params: Params) => {
    checkResourceName(params.bucket, "bucket");
    return handler(params);
  });
}
