import { z } from "zod";

// The data plane's cache: the shapes that existing clients send and read.

export const MAX_CACHE_GET_KEYS = 100;
export const MAX_CACHE_SET_ENTRIES = 100;
export const MAX_CACHE_DELETE_KEYS = 500;
export const MAX_CACHE_LIST_LIMIT = 1000;
/** What `keys` answers at most; `truncated` says that there are more. */
export const MAX_CACHE_KEYS = 10_000;

const keySchema = z.string().min(1).describe("Up to 512 bytes.");
const ttlSchema = z.int().min(1).max(3_153_600_000).describe("Seconds until the key is gone.");
const valueSchema = z.unknown().describe("Any JSON value, up to 25 MiB.");

export const cacheKeyRequestSchema = z.object({ key: keySchema });
export const cacheGetResponseSchema = z.object({ value: z.unknown(), exists: z.boolean() });

export const cacheSetRequestSchema = z
  .object({ key: keySchema, value: valueSchema, ttl: ttlSchema.nullish() })
  .refine((entry) => entry.value !== undefined, { path: ["value"], error: "A value is needed; null is one." });

export const cacheListRequestSchema = z.object({
  prefix: z.string().nullish(),
  limit: z.int().min(1).max(MAX_CACHE_LIST_LIMIT).nullish().describe("100 unless given."),
  cursor: z.string().nullish(),
});
export const cacheListResponseSchema = z.object({
  keys: z.array(z.object({ key: z.string(), expiration: z.int().optional().describe("Unix seconds.") })),
  list_complete: z.boolean(),
  cursor: z.string().optional(),
});

export const cachePrefixRequestSchema = z.object({ prefix: z.string().nullish() });
export const cacheKeysResponseSchema = z.object({ keys: z.array(z.string()), truncated: z.boolean() });
export const cacheFlushResponseSchema = z.object({ success: z.literal(true), deleted: z.int() });

export const cacheGetManyRequestSchema = z.object({ keys: z.array(keySchema).min(1).max(MAX_CACHE_GET_KEYS) });
export const cacheGetManyResponseSchema = z.object({
  /** In the order of the keys. */
  results: z.array(z.object({ key: z.string(), value: z.unknown(), exists: z.boolean() })),
});
export const cacheSetManyRequestSchema = z.object({
  entries: z.array(cacheSetRequestSchema).min(1).max(MAX_CACHE_SET_ENTRIES),
});
export const cacheSetManyResponseSchema = z.object({ success: z.literal(true), count: z.int() });
export const cacheDeleteManyRequestSchema = z.object({ keys: z.array(keySchema).min(1).max(MAX_CACHE_DELETE_KEYS) });
export const cacheDeleteManyResponseSchema = z.object({
  success: z.literal(true),
  /** Keys that were asked for. */
  count: z.int(),
  /** Keys that were there. */
  deleted: z.int(),
});

export const cacheExpireRequestSchema = z.object({ key: keySchema, ttl: ttlSchema });
/** False when there is no such key. */
export const cacheExpireResponseSchema = z.object({ success: z.boolean() });

export const cacheIncrementRequestSchema = z.object({
  key: keySchema,
  amount: z.number().nullish().describe("May be negative; 1 unless given."),
  initialValue: z.number().nullish().describe("What a new counter starts from; 0 unless given."),
  ttl: ttlSchema.nullish().describe("Of a new counter, in seconds."),
});
export const cacheIncrementResponseSchema = z.object({ value: z.number() });
