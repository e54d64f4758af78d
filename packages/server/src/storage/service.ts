import { randomBytes } from "node:crypto";
import type {
  CompleteOptions,
  ConcatRequest,
  LifecycleRule,
  NewUploadOptions,
  ObjectAttributes,
  ObjectClient,
  ObjectCondition,
  ObjectHash,
  ObjectInfo,
  ObjectParts,
  UploadInfo,
  UploadPart,
} from "@aerostack/datahost";
import type { BlobHash, BlobStore } from "@aerostack/kernel";
import { DEFAULT_RESOURCES } from "../functions/resource-names.ts";
import type { HostCall } from "../kernel/host-call.ts";
import { type BucketName, createObjectReader } from "./reading/object-reader.ts";

/** The bucket of `/v1/storage`, which functions know as `env.STORAGE`. */
export const MAIN_BUCKET = DEFAULT_RESOURCES.bucket;
export const DEFAULT_CONTENT_TYPE = "application/octet-stream";

export interface ObjectPage {
  readonly objects: readonly ObjectInfo[];
  readonly delimitedPrefixes: readonly string[];
  readonly cursor: string | null;
}

export interface ListRequest {
  readonly prefix?: string | undefined;
  readonly delimiter?: string | undefined;
  readonly startAfter?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface PutRequest {
  readonly attributes: ObjectAttributes;
  readonly size?: number | undefined;
  readonly onlyIf?: ObjectCondition | undefined;
  /** Hex; checked by the data host. */
  readonly checksums?: Readonly<Partial<Record<BlobHash, string>>>;
  /** Hex, checked by the caller; asked for after the last byte. */
  readonly attested?: (() => Readonly<Partial<Record<ObjectHash, string>>>) | undefined;
}

export interface CopyRequest {
  readonly attributes?: Partial<ObjectAttributes> | undefined;
  readonly sourceIf?: ObjectCondition | undefined;
  readonly onlyIf?: ObjectCondition | undefined;
  readonly move?: boolean;
}

export interface UploadName extends BucketName {
  readonly key: string;
  readonly uploadId: string;
}

export interface StorageServiceOptions {
  readonly call: HostCall;
  /** Streams bytes into the data host. */
  readonly objects: ObjectClient;
  /** Where the bytes of a project's objects are. */
  readonly blobsOf: (projectId: string) => BlobStore;
}

const TOKEN_BYTES = 24;
type Bytes = AsyncIterable<Uint8Array>;

/** What an object is stored with where nothing else is said: private, and of no type that a browser would act on. */
export function plainAttributes(contentType: string | undefined, isPublic = false): ObjectAttributes {
  return {
    httpMetadata: contentType === undefined ? {} : { contentType },
    customMetadata: {},
    storageClass: "Standard",
    isPublic,
  };
}

/**
 * A project's buckets. Bytes are streamed, an acknowledged object is on disk. Knows nothing of HTTP; keys are checked by
 * whoever takes them from outside.
 */
export function createStorageService({ call, objects, blobsOf }: StorageServiceOptions) {
  /** The server's own grants at the data host, one for each project that was asked for. */
  const tokens = new Map<string, Promise<string>>();

  function tokenOf(projectId: string): Promise<string> {
    let token = tokens.get(projectId);
    if (token === undefined) {
      const fresh = randomBytes(TOKEN_BYTES).toString("base64url");
      token = call("grants.register", { token: fresh, projectId }).then(() => fresh);
      tokens.set(projectId, token);
      token.catch(() => tokens.delete(projectId));
    }
    return token;
  }

  const scopeOf = async ({ projectId, bucket }: BucketName) => ({ token: await tokenOf(projectId), bucket });

  return {
    reader: createObjectReader({ call, blobsOf }),

    list: (name: BucketName, page: ListRequest): Promise<ObjectPage> => call("objects.list", { ...name, ...page }),

    /** An object with the parts that it was put together of; null where there is none. */
    parts: (name: BucketName, key: string): Promise<ObjectParts | null> => call("objects.parts", { ...name, key }),

    /** Null where there is no such object. */
    head: (name: BucketName, key: string): Promise<ObjectInfo | null> => call("objects.head", { ...name, key }),

    async put(name: BucketName, key: string, content: Bytes, request: PutRequest): Promise<ObjectInfo> {
      return await objects.put(await scopeOf(name), key, content, request);
    },

    /** @throws NOT_FOUND */
    copy: (from: BucketName & { key: string }, to: { bucket: string; key: string }, request: CopyRequest = {}) =>
      call<ObjectInfo>("objects.copy", {
        projectId: from.projectId,
        from: { bucket: from.bucket, key: from.key },
        to,
        ...request,
      }),

    /** @throws NOT_FOUND */
    setAttributes: (name: BucketName, key: string, attributes: Partial<ObjectAttributes>): Promise<ObjectInfo> =>
      call("objects.setAttributes", { ...name, key, attributes }),

    /** @param onlyIf refuses where an object that is there is another one */
    async delete(name: BucketName, keys: readonly string[], onlyIf?: ObjectCondition): Promise<void> {
      await call("objects.delete", { ...name, keys, ...(onlyIf === undefined ? {} : { onlyIf }) });
    },

    /** Uploads that are put together of parts, and resumable ones. */
    uploads: {
      async create(
        name: BucketName,
        key: string,
        attributes: ObjectAttributes,
        options: NewUploadOptions = {},
      ): Promise<string> {
        const made = await call<{ uploadId: string }>("objects.createUpload", { ...name, key, attributes, ...options });
        return made.uploadId;
      },
      async putPart(
        upload: UploadName,
        partNumber: number,
        content: Bytes,
        { size, attested }: Pick<PutRequest, "size" | "attested"> = {},
      ): Promise<{ etag: string }> {
        const { key, uploadId } = upload;
        return await objects.putPart(await scopeOf(upload), content, { key, uploadId, partNumber, size, attested });
      },
      complete: (
        upload: UploadName,
        parts: readonly { readonly part: number; readonly etag: string }[],
        options: Omit<CompleteOptions, "rule"> = {},
      ): Promise<ObjectInfo> => call("objects.completeUpload", { ...upload, parts, ...options, rule: "s3" }),
      async abort(upload: UploadName): Promise<void> {
        await call("objects.abortUpload", { ...upload });
      },
      listParts: (upload: UploadName): Promise<{ upload: UploadInfo; parts: UploadPart[] }> =>
        call("objects.listParts", { ...upload }),
      async list(
        name: BucketName,
        page: { prefix: string; afterKey: string; afterUploadId: string; limit: number },
      ): Promise<UploadInfo[]> {
        return (await call<{ uploads: UploadInfo[] }>("objects.listUploads", { ...name, ...page })).uploads;
      },

      /** A resumable one with the bytes it has, or one of parts; null where there is none. */
      find: (name: BucketName, uploadId: string): Promise<(UploadInfo & { readonly offset: number }) | null> =>
        call("objects.findUpload", { ...name, uploadId }),
      async append(
        name: BucketName,
        request: {
          uploadId: string;
          offset: number;
          size?: number | undefined;
          checksums?: Readonly<Partial<Record<BlobHash, string>>>;
        },
        content: Bytes | Buffer,
      ): Promise<{ offset: number }> {
        return await objects.append(await scopeOf(name), content, request);
      },
      /** Tells how long a resumable one is that began without saying so. @throws VALIDATION_ERROR */
      async setLength(name: BucketName, uploadId: string, length: number): Promise<void> {
        await call("objects.setUploadLength", { ...name, uploadId, length });
      },
      /** One object of several uploads. @returns the upload that stands for it @throws NOT_FOUND, CONFLICT */
      async concat(name: BucketName, request: ConcatRequest): Promise<string> {
        return (await call<{ uploadId: string }>("objects.concatUploads", { ...name, ...request })).uploadId;
      },
      /** @param as what it becomes, where that was not known when it began */
      finish: (
        name: BucketName,
        uploadId: string,
        as?: { readonly key: string; readonly attributes: ObjectAttributes },
      ): Promise<ObjectInfo> => call("objects.finishUpload", { ...name, uploadId, as }),
    },

    buckets: {
      async list(projectId: string): Promise<{ name: string; createdAt: number }[]> {
        return (await call<{ buckets: { name: string; createdAt: number }[] }>("objects.buckets", { projectId }))
          .buckets;
      },
      async has(name: BucketName): Promise<boolean> {
        return (await call<{ exists: boolean }>("objects.hasBucket", { ...name })).exists;
      },
      /** @throws CONFLICT */
      async create(name: BucketName): Promise<void> {
        await call("objects.createBucket", { ...name });
      },
      /** @throws NOT_FOUND, CONFLICT where it holds something */
      async delete(name: BucketName): Promise<void> {
        await call("objects.deleteBucket", { ...name });
      },
      async lifecycle(name: BucketName): Promise<LifecycleRule[]> {
        return (await call<{ rules: LifecycleRule[] }>("objects.readLifecycle", { ...name })).rules;
      },
      async setLifecycle(name: BucketName, rules: readonly LifecycleRule[]): Promise<void> {
        await call("objects.writeLifecycle", { ...name, rules });
      },
    },

    async forgetProject(projectId: string): Promise<void> {
      const token = await tokens.get(projectId);
      tokens.delete(projectId);
      if (token !== undefined) await call("grants.revoke", { token });
    },
  };
}

export type StorageService = ReturnType<typeof createStorageService>;
