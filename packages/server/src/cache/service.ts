import type { HostCall } from "../kernel/host-call.ts";

export interface KeyListing {
  readonly keys: readonly { readonly name: string; readonly expiresAt: number | null }[];
  readonly cursor: string | null;
}

interface Bytes {
  readonly $bytes: string;
}

/** A project's key-value namespaces. What is written is durable when the promise settles, and every read after sees it. */
export function createCacheService(call: HostCall) {
  return {
    async list(
      projectId: string,
      namespace: string,
      page: { readonly prefix: string; readonly limit: number; readonly cursor?: string | undefined },
    ): Promise<KeyListing> {
      return await call("kv.list", { projectId, namespace, ...page });
    },

    async get(projectId: string, namespace: string, key: string): Promise<Buffer | null> {
      const found = await call<{ value: Bytes } | null>("kv.get", { projectId, namespace, key, encoding: "bytes" });
      return found === null ? null : Buffer.from(found.value.$bytes, "base64");
    },

    async put(projectId: string, namespace: string, key: string, value: Buffer, ttlSeconds?: number): Promise<void> {
      await call("kv.put", {
        projectId,
        namespace,
        key,
        value: { $bytes: value.toString("base64") },
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      });
    },

    async delete(projectId: string, namespace: string, key: string): Promise<boolean> {
      const { deleted } = await call<{ deleted: boolean }>("kv.delete", { projectId, namespace, key });
      return deleted;
    },
  };
}

export type CacheService = ReturnType<typeof createCacheService>;
