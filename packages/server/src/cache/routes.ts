import {
  AerostackError,
  keyParamsSchema,
  listKeysQuerySchema,
  listKeysResponseSchema,
  namespaceParamsSchema,
  putKeyQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { readBytes } from "../kernel/read-body.ts";
import type { CacheService } from "./service.ts";

const TAG = "Key-value";
/** The largest value, as in the function's binding. */
const MAX_VALUE_BYTES = 25 * 1024 * 1024;

/** A project's key-value namespaces, as the CLI and the dashboard see them. */
export function createCacheRoutes(options: { readonly cache: CacheService }): Route[] {
  const { cache } = options;
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/kv/:namespace/keys",
      summary: "List keys",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: namespaceParamsSchema,
      query: listKeysQuerySchema,
      response: { status: 200, schema: listKeysResponseSchema },
      async handler({ project, params, query }) {
        const { keys, cursor } = await cache.list(project.id, params.namespace, query);
        return {
          keys: keys.map((key) => ({
            name: key.name,
            expiresAt: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
          })),
          nextCursor: cursor,
        };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/kv/:namespace/values/:key",
      summary: "Read a value",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: keyParamsSchema,
      response: { status: 200, contentType: "application/octet-stream" },
      async handler({ project, params }) {
        const value = await cache.get(project.id, params.namespace, params.key);
        if (value === null) throw new AerostackError("NOT_FOUND", { message: `There is no key '${params.key}'.` });
        return new Response(new Uint8Array(value), {
          headers: { "content-type": "application/octet-stream", "cache-control": "no-store" },
        });
      },
    }),

    defineRoute({
      method: "put",
      path: "/api/v1/projects/:project/kv/:namespace/values/:key",
      summary: "Write a value",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: keyParamsSchema,
      query: putKeyQuerySchema,
      rawBody: { contentType: "application/octet-stream", description: "The value's bytes." },
      response: { status: 200, schema: successSchema },
      errors: ["KEY_INVALID", "VALUE_TOO_LARGE"],
      async handler({ project, params, query, request }) {
        const value = await readBytes(request, MAX_VALUE_BYTES);
        await cache.put(project.id, params.namespace, params.key, value, query.ttl);
        return { success: true as const };
      },
    }),

    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project/kv/:namespace/values/:key",
      summary: "Delete a key",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: keyParamsSchema,
      response: { status: 200, schema: successSchema },
      async handler({ project, params }) {
        await cache.delete(project.id, params.namespace, params.key);
        return { success: true as const };
      },
    }),
  ];
}
