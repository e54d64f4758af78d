import { Readable } from "node:stream";
import {
  bucketParamsSchema,
  listKeysQuerySchema,
  listObjectsResponseSchema,
  objectParamsSchema,
  objectSchema,
  successSchema,
} from "@aerostack/contracts";
import type { ObjectInfo } from "@aerostack/datahost";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { decodeObjectKey } from "./object-key.ts";
import { contentTypeOf } from "./reading/content-headers.ts";
import { objectNotFound } from "./reading/serve-object.ts";
import { plainAttributes, type StorageService } from "./service.ts";

const TAG = "Storage";
const OBJECT_PATH = "/api/v1/projects/:project/storage/:bucket/objects/:key{.+}";

function toObject(object: ObjectInfo) {
  return {
    key: object.key,
    sizeBytes: object.size,
    etag: object.etag,
    contentType: object.httpMetadata.contentType ?? null,
    uploadedAt: new Date(object.uploadedAt).toISOString(),
  };
}

/** The key as the address spells it: everything after `/objects/`, decoded once, empty segments and all. */
function keyOf(request: Request): string {
  const { pathname } = new URL(request.url);
  return decodeObjectKey(pathname.slice(pathname.indexOf("/objects/") + "/objects/".length));
}

/** A project's buckets, as the CLI and the dashboard see them. */
export function createStorageRoutes(options: { readonly storage: StorageService }): Route[] {
  const { storage } = options;
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/storage/:bucket/objects",
      summary: "List objects",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: bucketParamsSchema,
      query: listKeysQuerySchema,
      response: { status: 200, schema: listObjectsResponseSchema },
      async handler({ project, params, query }) {
        const name = { projectId: project.id, bucket: params.bucket };
        const { objects, cursor } = await storage.list(name, query);
        return { objects: objects.map(toObject), nextCursor: cursor };
      },
    }),

    defineRoute({
      method: "put",
      path: OBJECT_PATH,
      summary: "Upload an object",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: objectParamsSchema,
      rawBody: { contentType: "application/octet-stream", description: "The object's bytes, streamed." },
      response: { status: 200, schema: objectSchema },
      errors: ["STORAGE_KEY_INVALID", "STORAGE_FILE_TOO_LARGE"],
      async handler({ project, params, request }) {
        const length = request.headers.get("content-length");
        const content = (request.body ?? Readable.from([])) as AsyncIterable<Uint8Array>;
        const name = { projectId: project.id, bucket: params.bucket };
        const object = await storage.put(name, keyOf(request), content, {
          attributes: plainAttributes(request.headers.get("content-type") ?? undefined),
          size: length === null ? undefined : Number(length),
        });
        return toObject(object);
      },
    }),

    defineRoute({
      method: "get",
      path: OBJECT_PATH,
      summary: "Download an object",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: objectParamsSchema,
      response: { status: 200, contentType: "application/octet-stream" },
      async handler({ project, params, request }) {
        const { reader } = storage;
        const located = await reader.locate({ projectId: project.id, bucket: params.bucket }, keyOf(request));
        if (located === null) throw objectNotFound();
        const { object, slices } = located;
        const content = await reader.open(project.id, slices);
        return new Response(Readable.toWeb(content) as ReadableStream<Uint8Array>, {
          headers: {
            "content-type": contentTypeOf(object),
            // An uploaded page must not run on the management address.
            "content-disposition": "attachment",
            "content-length": String(object.size),
            "cache-control": "no-store",
            etag: `"${object.etag}"`,
          },
        });
      },
    }),

    defineRoute({
      method: "delete",
      path: OBJECT_PATH,
      summary: "Delete an object",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: objectParamsSchema,
      response: { status: 200, schema: successSchema },
      async handler({ project, params, request }) {
        await storage.delete({ projectId: project.id, bucket: params.bucket }, [keyOf(request)]);
        return { success: true as const };
      },
    }),
  ];
}
