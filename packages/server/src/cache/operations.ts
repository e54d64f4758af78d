import {
  cacheDeleteManyRequestSchema,
  cacheDeleteManyResponseSchema,
  cacheExpireRequestSchema,
  cacheExpireResponseSchema,
  cacheFlushResponseSchema,
  cacheGetManyRequestSchema,
  cacheGetManyResponseSchema,
  cacheGetResponseSchema,
  cacheIncrementRequestSchema,
  cacheIncrementResponseSchema,
  cacheKeyRequestSchema,
  cacheKeysResponseSchema,
  cacheListRequestSchema,
  cacheListResponseSchema,
  cachePrefixRequestSchema,
  cacheSetManyRequestSchema,
  cacheSetManyResponseSchema,
  cacheSetRequestSchema,
  MAX_CACHE_KEYS,
  successSchema,
} from "@aerostack/contracts";
import { defineOperation, type Operation } from "../edge/define-operation.ts";
import type { CachedValues } from "./cached-values.ts";

const DEFAULT_LIST_LIMIT = 100;
/** A value of 25 MiB, and what JSON makes of it. */
const MAX_SET_BYTES = 32 * 1024 * 1024;
const MS_PER_SECOND = 1000;

/** A project's cache, for its secret keys. */
export function createCacheOperations(cache: CachedValues): Operation[] {
  const common = { method: "post", tag: "Data plane: cache", access: "secret", errors: ["KEY_INVALID"] } as const;
  return [
    defineOperation({
      ...common,
      permission: "data.read",
      path: "/v1/cache/get",
      summary: "Read a key",
      body: cacheKeyRequestSchema,
      response: { status: 200, schema: cacheGetResponseSchema },
      async handler({ call, body }) {
        const found = await cache.get(call.projectId, body.key);
        return found.exists ? found : { value: null, exists: false };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/cache/set",
      summary: "Write a key",
      body: cacheSetRequestSchema,
      maxBodyBytes: MAX_SET_BYTES,
      response: { status: 200, schema: successSchema },
      errors: ["KEY_INVALID", "VALUE_TOO_LARGE"],
      async handler({ call, body: { key, value, ttl } }) {
        await cache.set(call.projectId, { key, value, ttlSeconds: ttl ?? undefined });
        return { success: true as const };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/cache/delete",
      summary: "Delete a key",
      body: cacheKeyRequestSchema,
      response: { status: 200, schema: successSchema },
      async handler({ call, body }) {
        await cache.delete(call.projectId, body.key);
        return { success: true as const };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.read",
      path: "/v1/cache/list",
      summary: "List keys, page by page",
      body: cacheListRequestSchema,
      response: { status: 200, schema: cacheListResponseSchema },
      async handler({ call, body: { prefix, limit, cursor } }) {
        const page = { prefix: prefix ?? "", limit: limit ?? DEFAULT_LIST_LIMIT, cursor: cursor ?? null };
        const listing = await cache.list(call.projectId, page);
        return {
          keys: listing.keys.map(({ key, expiresAt }) => ({
            key,
            ...(expiresAt === null ? {} : { expiration: Math.floor(expiresAt / MS_PER_SECOND) }),
          })),
          list_complete: listing.cursor === null,
          ...(listing.cursor === null ? {} : { cursor: listing.cursor }),
        };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.read",
      path: "/v1/cache/keys",
      summary: "The names of all keys with a prefix",
      body: cachePrefixRequestSchema,
      response: { status: 200, schema: cacheKeysResponseSchema },
      handler: ({ call, body }) => cache.keys(call.projectId, body.prefix ?? "", MAX_CACHE_KEYS),
    }),
    defineOperation({
      ...common,
      permission: "data.read",
      path: "/v1/cache/getMany",
      summary: "Read several keys",
      body: cacheGetManyRequestSchema,
      response: { status: 200, schema: cacheGetManyResponseSchema },
      async handler({ call, body: { keys } }) {
        const values = await cache.getMany(call.projectId, keys);
        return {
          results: keys.map((key, index) => {
            const found = values[index];
            return found?.exists === true
              ? { key, value: found.value, exists: true }
              : { key, value: null, exists: false };
          }),
        };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/cache/setMany",
      summary: "Write several keys, all or none",
      body: cacheSetManyRequestSchema,
      maxBodyBytes: MAX_SET_BYTES,
      response: { status: 200, schema: cacheSetManyResponseSchema },
      errors: ["KEY_INVALID", "VALUE_TOO_LARGE"],
      async handler({ call, body: { entries } }) {
        const written = entries.map(({ key, value, ttl }) => ({ key, value, ttlSeconds: ttl ?? undefined }));
        await cache.setMany(call.projectId, written);
        return { success: true as const, count: entries.length };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/cache/deleteMany",
      summary: "Delete several keys, all or none",
      body: cacheDeleteManyRequestSchema,
      response: { status: 200, schema: cacheDeleteManyResponseSchema },
      async handler({ call, body: { keys } }) {
        return { success: true as const, count: keys.length, deleted: await cache.deleteMany(call.projectId, keys) };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/cache/flush",
      summary: "Delete every key with a prefix, or all of them",
      body: cachePrefixRequestSchema,
      response: { status: 200, schema: cacheFlushResponseSchema },
      async handler({ call, body }) {
        return { success: true as const, deleted: await cache.flush(call.projectId, body.prefix ?? "") };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/cache/expire",
      summary: "Set how long a key lives",
      body: cacheExpireRequestSchema,
      response: { status: 200, schema: cacheExpireResponseSchema },
      async handler({ call, body: { key, ttl } }) {
        return { success: await cache.expire(call.projectId, key, ttl) };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/cache/increment",
      summary: "Add to a number, atomically",
      body: cacheIncrementRequestSchema,
      response: { status: 200, schema: cacheIncrementResponseSchema },
      errors: ["KEY_INVALID", "CONFLICT"],
      async handler({ call, body: { key, amount, initialValue, ttl } }) {
        const step = { amount: amount ?? 1, initialValue: initialValue ?? 0, ttlSeconds: ttl ?? undefined };
        return { value: await cache.increment(call.projectId, key, step) };
      },
    }),
  ];
}
