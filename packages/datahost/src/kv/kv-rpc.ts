import type { Clock } from "@aerostack/kernel";
import { encodeCursor } from "../state/cursor.ts";
import { refusalsAsErrors } from "../state/refusal.ts";
import { checkResourceName, fromRpcBytes, type RpcBytes, refuseField, toRpcBytes } from "../state/rpc-values.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { checkKey, checkKeyLength, checkMetadata, checkValueLength } from "./kv-checks.ts";
import { incrementEntry } from "./kv-increment.ts";
import type { KvLeases } from "./kv-leases.ts";
import { MAX_DELETE_MANY_KEYS, MAX_LIST_KEYS, MAX_PUT_MANY_ENTRIES } from "./kv-limits.ts";
import { readCursor } from "./kv-list.ts";
import * as store from "./kv-store.ts";

/** A namespace of a project. */
export interface KvScope {
  readonly projectId: string;
  readonly namespace: string;
}

export interface KvKeyParams extends KvScope {
  readonly key: string;
}

/** How values are handed out: `text` decodes UTF-8, `bytes` gives `{ $bytes }`. */
export type KvEncoding = "text" | "bytes";

export interface KvWrite {
  readonly key: string;
  readonly value: string | RpcBytes;
  /** Any JSON value; undefined and null store none. */
  readonly metadata?: unknown;
  /** From now on, 1 or more. */
  readonly ttlSeconds?: number;
  /** Milliseconds since the epoch; `ttlSeconds` wins. */
  readonly expiresAt?: number;
}

export interface KvValue {
  readonly value: string | RpcBytes;
  readonly metadata: unknown;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | null;
  /** The caller asked to hold the value, and may: see `KvLeases`. */
  readonly held?: true;
}

export interface KvKeyInfo {
  readonly name: string;
  readonly metadata: unknown;
  readonly expiresAt: number | null;
}

/** Keys deleted in one commit: a few milliseconds. */
const FLUSH_BATCH_KEYS = 2000;

export interface KvRpcOptions {
  readonly states: StateDatabases;
  readonly clock: Clock;
  readonly leases: KvLeases;
}

/** Key-value calls of the server. Every write is durable when its promise settles, and seen by every read after it. */
export function createKvRpc({ states, clock, leases }: KvRpcOptions) {
  function expiryOf(write: Pick<KvWrite, "ttlSeconds" | "expiresAt">): number | null {
    if (write.ttlSeconds !== undefined) {
      if (!Number.isInteger(write.ttlSeconds) || write.ttlSeconds < 1)
        refuseField("ttl", "A time to live is 1 or more whole seconds.");
      return clock.now() + write.ttlSeconds * 1000;
    }
    if (write.expiresAt === undefined) return null;
    if (!Number.isFinite(write.expiresAt)) refuseField("expiration", "An expiration is a point in time.");
    return write.expiresAt;
  }

  function entryOf(write: KvWrite): store.KvEntry {
    checkKey(write.key);
    const value = fromRpcBytes(write.value);
    checkValueLength(value.length);
    return {
      value,
      metadata: metadataText(write.metadata),
      expiresAt: expiryOf(write),
    };
  }

  function readValue(db: SqliteDatabase, namespace: string, key: string, encoding: KvEncoding): KvValue | null {
    checkKey(key);
    const entry = store.getEntry(db, namespace, key, clock.now());
    return entry === undefined ? null : show(entry, encoding);
  }

  function show(entry: store.KvEntry, encoding: KvEncoding): KvValue {
    return {
      value: encoding === "bytes" ? toRpcBytes(entry.value) : entry.value.toString("utf8"),
      metadata: parseMetadata(entry.metadata),
      expiresAt: entry.expiresAt,
    };
  }

  return {
    /** `hold`: the caller wants to answer from it again, and lets go of it when it is told to. */
    "kv.get": guarded((params: KvKeyParams & { encoding?: KvEncoding; hold?: boolean }): KvValue | null => {
      const { projectId, namespace, key, encoding = "text", hold = false } = params;
      checkKey(key);
      const entry = store.getEntry(states.read(projectId), namespace, key, clock.now());
      if (entry === undefined) return null;
      const value = show(entry, encoding);
      return hold && leases.grant(projectId, namespace, key, entry.value.length) ? { ...value, held: true } : value;
    }),

    "kv.getMany": guarded(
      (params: KvScope & { keys: readonly string[]; encoding?: KvEncoding }): { values: (KvValue | null)[] } => {
        const db = states.read(params.projectId);
        checkCount(params.keys.length, MAX_PUT_MANY_ENTRIES, "keys");
        return { values: params.keys.map((key) => readValue(db, params.namespace, key, params.encoding ?? "text")) };
      },
    ),

    "kv.put": guarded(async (params: KvScope & KvWrite): Promise<null> => {
      const entry = entryOf(params);
      await leases.write(params, [params.key], () =>
        states.commit(params.projectId, (db) => store.putEntry(db, params.namespace, params.key, entry)),
      );
      return null;
    }),

    /** All or none. */
    "kv.putMany": guarded(async (params: KvScope & { entries: readonly KvWrite[] }): Promise<{ count: number }> => {
      checkCount(params.entries.length, MAX_PUT_MANY_ENTRIES, "entries");
      const entries = params.entries.map((write) => [write.key, entryOf(write)] as const);
      const keys = entries.map(([key]) => key);
      await leases.write(params, keys, () =>
        states.commit(params.projectId, (db) => {
          for (const [key, entry] of entries) store.putEntry(db, params.namespace, key, entry);
        }),
      );
      return { count: entries.length };
    }),

    "kv.delete": guarded(async (params: KvKeyParams): Promise<{ deleted: boolean }> => {
      checkKey(params.key);
      const now = clock.now();
      return leases.write(params, [params.key], () =>
        states.commit(params.projectId, (db) => ({
          deleted: store.deleteEntry(db, params.namespace, params.key, now),
        })),
      );
    }),

    /** All or none; `deleted` counts those that were there. */
    "kv.deleteMany": guarded(async (params: KvScope & { keys: readonly string[] }): Promise<{ deleted: number }> => {
      checkCount(params.keys.length, MAX_DELETE_MANY_KEYS, "keys");
      params.keys.forEach(checkKey);
      const now = clock.now();
      return leases.write(params, params.keys, () =>
        states.commit(params.projectId, (db) => ({
          deleted: params.keys.filter((key) => store.deleteEntry(db, params.namespace, key, now)).length,
        })),
      );
    }),

    "kv.list": guarded(
      (
        params: KvScope & { prefix?: string; limit?: number; cursor?: string | null },
      ): { keys: KvKeyInfo[]; cursor: string | null } => {
        const limit = params.limit ?? MAX_LIST_KEYS;
        checkCount(limit, MAX_LIST_KEYS, "limit");
        const prefix = params.prefix ?? "";
        checkKeyLength(prefix);
        const options = { prefix, after: readCursor(params.cursor), limit };
        const listing = store.listKeys(states.read(params.projectId), params.namespace, options, clock.now());
        return {
          keys: listing.keys.map((key) => ({ ...key, metadata: parseMetadata(key.metadata) })),
          cursor: listing.complete ? null : encodeCursor([listing.keys.at(-1)?.name ?? ""]),
        };
      },
    ),

    /** Deletes every key with this prefix that is there now; keys that are written meanwhile may be deleted too. */
    "kv.flush": guarded(async (params: KvScope & { prefix?: string }): Promise<{ deleted: number }> => {
      const prefix = params.prefix ?? "";
      checkKeyLength(prefix);
      let deleted = 0;
      for (;;) {
        const now = clock.now();
        const inBatch = await leases.write(params, null, () =>
          states.commit(params.projectId, (db) => {
            store.deleteExpired(db, now, FLUSH_BATCH_KEYS);
            return store.deleteKeys(db, params.namespace, prefix, FLUSH_BATCH_KEYS);
          }),
        );
        deleted += inBatch;
        if (inBatch < FLUSH_BATCH_KEYS) return { deleted };
      }
    }),

    /** @returns `found: false` where there is no such key. */
    "kv.expire": guarded(
      async (params: KvKeyParams & { ttlSeconds?: number; expiresAt?: number }): Promise<{ found: boolean }> => {
        checkKey(params.key);
        const expiresAt = expiryOf(params);
        if (expiresAt === null) refuseField("ttl", "Say when the key expires.");
        const now = clock.now();
        return leases.write(params, [params.key], () =>
          states.commit(params.projectId, (db) => ({
            found: store.expireEntry(db, params.namespace, params.key, expiresAt, now),
          })),
        );
      },
    ),

    "kv.increment": guarded(
      async (
        params: KvKeyParams & {
          amount?: number;
          initialValue?: number;
          ttlSeconds?: number;
          newMetadata?: unknown;
        },
      ): Promise<{ value: number }> => {
        checkKey(params.key);
        const newExpiry = expiryOf(params);
        const newMetadata = metadataText(params.newMetadata);
        const now = clock.now();
        return leases.write(params, [params.key], () =>
          states.commit(params.projectId, (db) => ({
            value: incrementEntry(db, params.namespace, params.key, {
              amount: params.amount ?? 1,
              initialValue: params.initialValue ?? 0,
              newExpiry,
              newMetadata,
              now,
            }),
          })),
        );
      },
    ),

    "kv.namespaces": (params: { projectId: string }): { namespaces: { name: string }[] } => ({
      namespaces: store.listNamespaces(states.read(params.projectId)).map((name) => ({ name })),
    }),
  };
}

/** Checks the namespace's name first. */
function guarded<Params extends KvScope, Result>(handler: (params: Params) => Result): (params: Params) => Result {
  return refusalsAsErrors((params: Params) => {
    checkResourceName(params.namespace, "namespace");
    return handler(params);
  });
}

function metadataText(metadata: unknown): string | null {
  return metadata === undefined || metadata === null ? null : checkMetadata(JSON.stringify(metadata));
}

function parseMetadata(metadata: string | null): unknown {
  return metadata === null ? null : JSON.parse(metadata);
}

function checkCount(count: number, max: number, field: string): void {
  if (!Number.isInteger(count) || count < 1 || count > max) refuseField(field, `Between 1 and ${max} are allowed.`);
}
