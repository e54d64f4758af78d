import {
  DEFAULT_SIGNED_URL_SECONDS,
  storageCopyRequestSchema,
  storageCopyResponseSchema,
  storageExistsResponseSchema,
  storageGetUrlRequestSchema,
  storageKeyRequestSchema,
  storageListRequestSchema,
  storageListResponseSchema,
  storageMetadataResponseSchema,
  storageSignUrlRequestSchema,
  storageSignUrlResponseSchema,
  storageSuccessSchema,
  storageUpdateRequestSchema,
  storageUrlResponseSchema,
} from "@aerostack/contracts";
import type { ObjectInfo } from "@aerostack/datahost";
import { type DataCall, defineOperation, defineStreamOperation, type Operation } from "../edge/define-operation.ts";
import { toIso } from "../kernel/page.ts";
import type { ObjectUrls } from "./address/object-urls.ts";
import { checkObjectKey } from "./object-key.ts";
import { contentTypeOf } from "./reading/content-headers.ts";
import { objectNotFound, serveObject } from "./reading/serve-object.ts";
import { MAIN_BUCKET, plainAttributes, type StorageService } from "./service.ts";
import { TUS_CORS, type TusUploads } from "./tus/tus-uploads.ts";
import { targetOf } from "./tus/upload-metadata.ts";
import { type UploadForm, type UploadTarget, uploadByForm } from "./upload-form.ts";

const TAG = "Data plane: storage";
/** What a secret key reads is nobody else's to keep. */
const NOT_KEPT = "private, no-store";

export interface StorageOperationsOptions {
  readonly storage: StorageService;
  readonly urls: ObjectUrls;
  readonly tus: TusUploads;
  readonly slugOf: (projectId: string) => Promise<string>;
}

const nameOf = ({ projectId }: DataCall) => ({ projectId, bucket: MAIN_BUCKET });

function showObject(object: ObjectInfo) {
  const lastModified = toIso(object.uploadedAt);
  return {
    key: object.key,
    size: object.size,
    lastModified,
    uploaded: lastModified,
    contentType: contentTypeOf(object),
    etag: object.etag,
    public: object.isPublic,
  };
}

/** An upload's address is given out to be kept, so what is uploaded here is public unless the form says otherwise. */
function formTarget({ fields, partType }: UploadForm): UploadTarget | undefined {
  const { key, contentType, public: isPublic = "true" } = fields;
  if (key === undefined) return undefined;
  return {
    key: checkObjectKey(key),
    attributes: plainAttributes(contentType === "" ? partType : (contentType ?? partType), isPublic !== "false"),
  };
}

/** Storage as a project's keys use it: the objects that functions know as `env.STORAGE`, under the same keys. */
export function createStorageOperations({ storage, urls, tus, slugOf }: StorageOperationsOptions): Operation[] {
  /** Anybody's where the object is public; otherwise signed for a time. */
  async function urlOf(
    call: DataCall,
    key: string,
    isPublic: boolean,
    expiresIn = DEFAULT_SIGNED_URL_SECONDS,
  ): Promise<string> {
    const slug = await slugOf(call.projectId);
    if (isPublic) return urls.publicUrl(slug, MAIN_BUCKET, key);
    return urls.signedUrl(slug, { method: "GET", ...nameOf(call), key }, expiresIn).url;
  }

  async function transfer(call: DataCall, sourceKey: string, destKey: string, move: boolean) {
    const name = nameOf(call);
    const to = { bucket: MAIN_BUCKET, key: checkObjectKey(destKey) };
    const object = await storage.copy({ ...name, key: checkObjectKey(sourceKey) }, to, { move });
    return { success: true as const, url: await urlOf(call, destKey, object.isPublic) };
  }

  return [
    defineStreamOperation({
      method: "post",
      path: "/v1/storage/upload",
      summary: "Upload a file",
      description:
        "A form with `file`, `key` and, optionally, `contentType` and `public` (`false` for an object that only signed URLs open).",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      rawBody: { contentType: "multipart/form-data", description: "`file` and `key`, in any order; at most 100 MB." },
      response: { status: 200, schema: storageUrlResponseSchema },
      errors: ["UNSUPPORTED_MEDIA_TYPE", "STORAGE_FILE_TOO_LARGE", "STORAGE_KEY_INVALID", "REQUEST_MALFORMED"],
      async stream({ call }, res) {
        const object = await uploadByForm(call.req, { storage, name: nameOf(call), targetOf: formTarget });
        const body = JSON.stringify({ url: await urlOf(call, object.key, object.isPublic) });
        res.writeHead(200, {
          "content-type": "application/json; charset=utf-8",
          "content-length": Buffer.byteLength(body),
          "cache-control": "no-store",
        });
        res.end(body);
      },
    }),
    defineStreamOperation({
      method: "post",
      path: "/v1/storage/get",
      summary: "Read an object",
      description:
        "Heeds `Range`, `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`, `If-Range`.",
      tag: TAG,
      access: "secret",
      permission: "data.read",
      body: storageKeyRequestSchema,
      response: {
        status: 200,
        contentType: "application/octet-stream",
        description: "With the object's content type.",
      },
      errors: ["NOT_FOUND", "STORAGE_PRECONDITION_FAILED", "STORAGE_KEY_INVALID"],
      async stream({ call, body }, res) {
        const { reader } = storage;
        const key = checkObjectKey(body.key);
        await serveObject(call.req, res, {
          reader,
          name: nameOf(call),
          key,
          mayRead: () => true,
          cacheControl: NOT_KEPT,
        });
      },
    }),
    defineStreamOperation({
      method: "post",
      path: "/v1/storage/tus",
      summary: "Begin a resumable upload",
      description:
        "tus 1.0.0: `Upload-Length`, and `Upload-Metadata` with `key`, `contentType`, `public`. The answer's `Location` takes the bytes, without a key.",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      rawBody: { contentType: "application/offset+octet-stream", description: "The first bytes, or nothing." },
      response: { status: 201, contentType: "text/plain", description: "Nothing; the upload is at `Location`." },
      errors: ["STORAGE_KEY_INVALID", "STORAGE_FILE_TOO_LARGE", "STORAGE_PRECONDITION_FAILED"],
      async stream({ call }, res) {
        for (const [name, value] of Object.entries(TUS_CORS)) res.setHeader(name, value);
        const to = { name: nameOf(call), projectSlug: await slugOf(call.projectId) };
        await tus.create(call.req, res, to, { target: targetOf });
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/getUrl",
      summary: "Get an object's address",
      description: "A public object's lasting address, or a signed one for a private object.",
      tag: TAG,
      access: "secret",
      permission: "data.read",
      body: storageGetUrlRequestSchema,
      response: { status: 200, schema: storageUrlResponseSchema },
      errors: ["STORAGE_KEY_INVALID"],
      async handler({ call, body }) {
        const key = checkObjectKey(body.key);
        const object = await storage.head(nameOf(call), key);
        return { url: await urlOf(call, key, object?.isPublic ?? true, body.expiresIn) };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/signUrl",
      summary: "Sign an address to read or upload one object",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      body: storageSignUrlRequestSchema,
      response: { status: 200, schema: storageSignUrlResponseSchema },
      errors: ["STORAGE_KEY_INVALID"],
      async handler({ call, body }) {
        const { method, contentType, maxBytes, expiresIn } = body;
        const own = { method, ...nameOf(call), key: checkObjectKey(body.key) };
        const grant = method === "GET" ? own : { ...own, contentType, maxBytes, isPublic: body.public };
        const { url, expiresAtMs } = urls.signedUrl(await slugOf(call.projectId), grant, expiresIn);
        return { url, method, expiresAt: toIso(expiresAtMs) };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/list",
      summary: "List objects",
      tag: TAG,
      access: "secret",
      permission: "data.read",
      body: storageListRequestSchema,
      response: { status: 200, schema: storageListResponseSchema },
      async handler({ call, body }) {
        const { objects, cursor } = await storage.list(nameOf(call), body);
        const more = cursor === null ? {} : { cursor };
        return {
          objects: objects.map(showObject),
          truncated: cursor !== null,
          list_complete: cursor === null,
          ...more,
        };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/delete",
      summary: "Delete an object",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      body: storageKeyRequestSchema,
      response: { status: 200, schema: storageSuccessSchema },
      errors: ["STORAGE_KEY_INVALID"],
      async handler({ call, body }) {
        await storage.delete(nameOf(call), [checkObjectKey(body.key)]);
        return { success: true as const };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/exists",
      summary: "Tell whether there is an object",
      tag: TAG,
      access: "secret",
      permission: "data.read",
      body: storageKeyRequestSchema,
      response: { status: 200, schema: storageExistsResponseSchema },
      errors: ["STORAGE_KEY_INVALID"],
      handler: async ({ call, body }) => ({
        exists: (await storage.head(nameOf(call), checkObjectKey(body.key))) !== null,
      }),
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/getMetadata",
      summary: "Read what is known of an object",
      tag: TAG,
      access: "secret",
      permission: "data.read",
      body: storageKeyRequestSchema,
      response: { status: 200, schema: storageMetadataResponseSchema },
      errors: ["STORAGE_KEY_INVALID"],
      async handler({ call, body }) {
        const object = await storage.head(nameOf(call), checkObjectKey(body.key));
        if (object === null) return { exists: false as const };
        const { size, contentType, lastModified, etag, public: isPublic } = showObject(object);
        return {
          exists: true as const,
          size,
          contentType,
          lastModified,
          etag,
          public: isPublic,
          metadata: { ...object.customMetadata },
        };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/update",
      summary: "Change what is known of an object",
      description: "Its bytes stay. What is left out stays as it is.",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      body: storageUpdateRequestSchema,
      response: { status: 200, schema: storageUrlResponseSchema },
      errors: ["NOT_FOUND", "STORAGE_KEY_INVALID"],
      async handler({ call, body }) {
        const key = checkObjectKey(body.key);
        const before = await storage.head(nameOf(call), key);
        if (before === null) throw objectNotFound();
        const { contentType, cacheControl } = body;
        const object = await storage.setAttributes(nameOf(call), key, {
          httpMetadata: {
            ...before.httpMetadata,
            ...(contentType === undefined ? {} : { contentType }),
            ...(cacheControl === undefined ? {} : { cacheControl }),
          },
          ...(body.metadata === undefined ? {} : { customMetadata: body.metadata }),
          ...(body.public === undefined ? {} : { isPublic: body.public }),
        });
        return { url: await urlOf(call, key, object.isPublic) };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/copy",
      summary: "Copy an object",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      body: storageCopyRequestSchema,
      response: { status: 200, schema: storageCopyResponseSchema },
      errors: ["NOT_FOUND", "STORAGE_KEY_INVALID"],
      handler: ({ call, body }) => transfer(call, body.sourceKey, body.destKey, false),
    }),
    defineOperation({
      method: "post",
      path: "/v1/storage/move",
      summary: "Move an object",
      description: "At once: nobody sees it at both keys, or at none.",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      body: storageCopyRequestSchema,
      response: { status: 200, schema: storageCopyResponseSchema },
      errors: ["NOT_FOUND", "STORAGE_KEY_INVALID"],
      handler: ({ call, body }) => transfer(call, body.sourceKey, body.destKey, true),
    }),
  ];
}
