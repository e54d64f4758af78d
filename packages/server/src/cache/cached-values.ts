import type { HostCall } from "../kernel/host-call.ts";
import type { HeldValues } from "./held-values.ts";

/** A value of any JSON type under a key. */
export interface CachedEntry {
  readonly key: string;
  readonly value: unknown;
  readonly ttlSeconds?: number | undefined;
}

export type CachedValue = { readonly exists: true; readonly value: unknown } | { readonly exists: false };

export interface CachedKey {
  readonly key: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number | null;
}

interface StoredText {
  readonly value: string;
  readonly metadata: unknown;
  readonly expiresAt: number | null;
  readonly held?: true;
}

/** The namespace that functions find as `env.CACHE` unless they bind another. */
const NAMESPACE = "default";
/** Says that the stored text is JSON. A text is stored as it is, so that functions and the CLI read what was written. */
const JSON_METADATA = { encoding: "json" } as const;
const PAGE_KEYS = 1000;

/**
 * A project's cache as a store of JSON values: what a function puts as text is read here as that text, and what is stored
 * here as an object is read by a function with `get(key, "json")`. Writes are durable and seen by every read after them.
 */
export function createCachedValues(call: HostCall, held: HeldValues<CachedValue>) {
  const scope = (projectId: string) => ({ projectId, namespace: NAMESPACE });

  return {
    /** At once where the value is held; else a promise. */
    get(projectId: string, key: string): CachedValue | Promise<CachedValue> {
      const name = `${NAMESPACE}/${key}`;
      const found = held.find(projectId, name);
      if (found !== undefined) return found;
      const keep = held.begin(projectId, name);
      return call<StoredText | null>("kv.get", { ...scope(projectId), key, hold: true }).then((stored) => {
        const value = read(stored);
        if (stored?.held === true) keep({ value, expiresAtMs: stored.expiresAt, characters: stored.value.length });
        return value;
      });
    },

    async getMany(projectId: string, keys: readonly string[]): Promise<readonly CachedValue[]> {
      const { values } = await call<{ values: (StoredText | null)[] }>("kv.getMany", { ...scope(projectId), keys });
      return values.map(read);
    },

    async set(projectId: string, entry: CachedEntry): Promise<void> {
      await call("kv.put", { ...scope(projectId), ...write(entry) });
    },

    /** All or none. */
    async setMany(projectId: string, entries: readonly CachedEntry[]): Promise<void> {
      await call("kv.putMany", { ...scope(projectId), entries: entries.map(write) });
    },

    async delete(projectId: string, key: string): Promise<void> {
      await call("kv.delete", { ...scope(projectId), key });
    },

    /** All or none. @returns how many there were */
    async deleteMany(projectId: string, keys: readonly string[]): Promise<number> {
      return (await call<{ deleted: number }>("kv.deleteMany", { ...scope(projectId), keys })).deleted;
    },

    async list(
      projectId: string,
      page: { readonly prefix: string; readonly limit: number; readonly cursor: string | null },
    ): Promise<{ readonly keys: readonly CachedKey[]; readonly cursor: string | null }> {
      const listing = await call<{ keys: { name: string; expiresAt: number | null }[]; cursor: string | null }>(
        "kv.list",
        { ...scope(projectId), ...page },
      );
      return { keys: listing.keys.map(({ name, expiresAt }) => ({ key: name, expiresAt })), cursor: listing.cursor };
    },

    /** The first `most` keys with the prefix. */
    async keys(projectId: string, prefix: string, most: number): Promise<{ keys: string[]; truncated: boolean }> {
      const keys: string[] = [];
      let cursor: string | null = null;
      do {
        const limit = Math.min(PAGE_KEYS, most - keys.length);
        const page: Awaited<ReturnType<typeof this.list>> = await this.list(projectId, { prefix, limit, cursor });
        for (const { key } of page.keys) keys.push(key);
        cursor = page.cursor;
      } while (cursor !== null && keys.length < most);
      return { keys, truncated: cursor !== null };
    },

    /** @returns how many were deleted */
    async flush(projectId: string, prefix: string): Promise<number> {
      return (await call<{ deleted: number }>("kv.flush", { ...scope(projectId), prefix })).deleted;
    },

    /** False where there is no such key. */
    async expire(projectId: string, key: string, ttlSeconds: number): Promise<boolean> {
      return (await call<{ found: boolean }>("kv.expire", { ...scope(projectId), key, ttlSeconds })).found;
    },

    /** Atomic. @throws CONFLICT when the value is not a number */
    async increment(
      projectId: string,
      key: string,
      step: { readonly amount: number; readonly initialValue: number; readonly ttlSeconds?: number | undefined },
    ): Promise<number> {
      const { ttlSeconds, ...rest } = step;
      const { value } = await call<{ value: number }>("kv.increment", {
        ...scope(projectId),
        key,
        ...rest,
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
        newMetadata: JSON_METADATA,
      });
      return value;
    },
  };
}

export type CachedValues = ReturnType<typeof createCachedValues>;

function read(stored: StoredText | null): CachedValue {
  if (stored === null) return { exists: false };
  const { value, metadata } = stored;
  const isJson = (metadata as { encoding?: unknown } | null)?.encoding === JSON_METADATA.encoding;
  return { exists: true, value: isJson ? parsed(value) : value };
}

/** A function may have written another text and kept the metadata. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function write({ key, value, ttlSeconds }: CachedEntry) {
  return {
    key,
    ...(typeof value === "string" ? { value } : { value: JSON.stringify(value), metadata: JSON_METADATA }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
}
