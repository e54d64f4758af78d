import type { KvScope } from "./kv-rpc.ts";

/** How long the server answers from a value that it holds, counted from before it asked. Renewed by asking again. */
export const LEASE_MS = 5_000;
/** Of all projects; who asks beyond it holds nothing. */
const MAX_LEASES = 20_000;
/** Larger values are read each time. */
export const MAX_HELD_VALUE_BYTES = 64 * 1024;

/** Tells the server to forget values; resolves when it has. `keys` null: all of the project's. */
export type LetGo = (projectId: string, keys: readonly HeldKey[] | null) => Promise<unknown>;

/** `<namespace>/<key>`: names of namespaces have no slash. */
export type HeldKey = string;

/**
 * Which values the server holds in its memory. A write is answered only when the server has let go of what it changed, or
 * may not use it any more, so that whoever reads after a write's answer sees the write: over HTTP, in functions, anywhere.
 */
export interface KvLeases {
  /** Before the value is handed out, in the same turn as it is read. False: it must not be held. */
  grant(projectId: string, namespace: string, key: string, valueBytes: number): boolean;
  /** Does the write; then sees to it that nobody answers from the values before it. `keys` null: any may have changed. */
  write<Result>(scope: KvScope, keys: readonly string[] | null, commit: () => Promise<Result>): Promise<Result>;
  forgetProject(projectId: string): Promise<void>;
}

export interface KvLeasesOptions {
  readonly letGo: LetGo;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly after: (delayMs: number, run: () => void) => () => void;
}

export function createKvLeases({ letGo, now, after }: KvLeasesOptions): KvLeases {
  /** By project, when each was granted; the oldest first. */
  const granted = new Map<string, Map<HeldKey, number>>();
  let count = 0;

  function dropExpired(): void {
    const expired = now() - LEASE_MS;
    for (const [projectId, keys] of granted) {
      for (const [key, at] of keys) {
        if (at > expired) break;
        keys.delete(key);
        count--;
      }
      if (keys.size === 0) granted.delete(projectId);
    }
  }

  /** Takes leases away. @returns when the last of them was granted; null when there is none */
  function take(projectId: string, keys: readonly HeldKey[] | null): number | null {
    const held = granted.get(projectId);
    if (held === undefined) return null;
    let newest: number | null = null;
    for (const key of keys ?? [...held.keys()]) {
      const at = held.get(key);
      if (at === undefined) continue;
      newest = Math.max(newest ?? at, at);
      held.delete(key);
      count--;
    }
    if (held.size === 0) granted.delete(projectId);
    return newest;
  }

  function release(projectId: string, keys: readonly HeldKey[] | null): Promise<void> | undefined {
    const grantedAt = take(projectId, keys);
    const leftMs = grantedAt === null ? 0 : grantedAt + LEASE_MS - now();
    if (leftMs <= 0) return undefined;
    // A server that does not answer holds nothing for longer than its lease.
    return new Promise((resolve) => {
      const cancel = after(leftMs, resolve);
      const settle = (): void => {
        cancel();
        resolve();
      };
      letGo(projectId, keys).then(settle, () => {});
    });
  }

  return {
    grant(projectId, namespace, key, valueBytes) {
      if (valueBytes > MAX_HELD_VALUE_BYTES) return false;
      if (count >= MAX_LEASES) {
        dropExpired();
        if (count >= MAX_LEASES) return false;
      }
      const held = granted.get(projectId) ?? new Map<HeldKey, number>();
      granted.set(projectId, held);
      const name = `${namespace}/${key}`;
      if (!held.delete(name)) count++;
      held.set(name, now());
      return true;
    },

    async write(scope, keys, commit) {
      try {
        return await commit();
      } finally {
        // Whatever became of it: what cannot be known to be old may not be held.
        const names = keys?.map((key) => `${scope.namespace}/${key}`) ?? null;
        const released = release(scope.projectId, names);
        if (released !== undefined) await released;
      }
    },

    async forgetProject(projectId) {
      await release(projectId, null);
    },
  };
}
