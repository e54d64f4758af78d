import type { Connection } from "./connection.ts";

export interface CacheEntry<Value = unknown> {
  readonly key: string;
  readonly value: Value;
  /** Seconds until it is gone; for ever without one. */
  readonly ttl?: number;
}

export interface CacheKeyPage {
  readonly keys: readonly { readonly key: string; readonly expiration?: number }[];
  readonly list_complete: boolean;
  readonly cursor?: string;
}

/** A project's key-value cache; needs a secret key. */
export function createCache(connection: Connection) {
  const call = <Answer>(operation: string, json: unknown, isRepeatable = true): Promise<Answer> =>
    connection.json<Answer>({ path: `/v1/cache/${operation}`, json, isRepeatable });

  return {
    /** The value, or null where there is none. */
    async get<Value = unknown>(key: string): Promise<Value | null> {
      const { value, exists } = await call<{ value: Value; exists: boolean }>("get", { key });
      return exists ? value : null;
    },
    async set(key: string, value: unknown, options: { readonly ttl?: number } = {}): Promise<void> {
      await call("set", { key, value, ...options });
    },
    async delete(key: string): Promise<void> {
      await call("delete", { key });
    },
    async exists(key: string): Promise<boolean> {
      return (await call<{ exists: boolean }>("get", { key })).exists;
    },
    async list(
      options: { readonly prefix?: string; readonly limit?: number; readonly cursor?: string } = {},
    ): Promise<CacheKeyPage> {
      return await call<CacheKeyPage>("list", options);
    },
    /** By key; keys without a value are left out. */
    async getMany<Value = unknown>(keys: readonly string[]): Promise<Map<string, Value>> {
      const { results } = await call<{ results: { key: string; value: Value; exists: boolean }[] }>("getMany", {
        keys,
      });
      return new Map(results.filter(({ exists }) => exists).map(({ key, value }) => [key, value]));
    },
    async setMany(entries: readonly CacheEntry[]): Promise<void> {
      await call("setMany", { entries });
    },
    /** How many of the keys were there. */
    async deleteMany(keys: readonly string[]): Promise<number> {
      return (await call<{ deleted: number }>("deleteMany", { keys })).deleted;
    },
    /** Deletes every key that begins with the prefix, or all of them; gives their number. */
    async flush(prefix?: string): Promise<number> {
      return (await call<{ deleted: number }>("flush", prefix === undefined ? {} : { prefix })).deleted;
    },
    /** Sets the time to live, in seconds; false where there is no such key. */
    async expire(key: string, ttl: number): Promise<boolean> {
      return (await call<{ success: boolean }>("expire", { key, ttl })).success;
    },
    /** Adds atomically and gives the sum. Not repeated when the network fails: it may have counted already. */
    async increment(
      key: string,
      amount = 1,
      options: { readonly initialValue?: number; readonly ttl?: number } = {},
    ): Promise<number> {
      return (await call<{ value: number }>("increment", { key, amount, ...options }, false)).value;
    },
  };
}

export type Cache = ReturnType<typeof createCache>;
