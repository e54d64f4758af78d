import type { CacheService } from "../cache/service.ts";
import type { DatabaseService } from "../database/service.ts";
import type { HostCall } from "../kernel/host-call.ts";
import { toIso, toIsoOrNull } from "../kernel/page.ts";
import { archivePath, type DisclosureSource, jsonLines } from "../legal/disclosure-source.ts";
import type { BucketName } from "../storage/reading/object-reader.ts";
import type { StorageService } from "../storage/service.ts";

export interface ContentParts {
  readonly call: HostCall;
  readonly databases: Pick<DatabaseService, "list" | "export">;
  readonly cache: Pick<CacheService, "list" | "get">;
  readonly storage: Pick<StorageService, "buckets" | "list" | "reader">;
}

const PAGE = 500;

/** What projects hold: names and sizes, or the things themselves. */
export function createDisclosedContent({ call, databases, cache, storage }: ContentParts) {
  async function namespacesOf(projectId: string): Promise<string[]> {
    const { namespaces } = await call<{ namespaces: { name: string }[] }>("kv.namespaces", { projectId });
    return namespaces.map(({ name }) => name);
  }

  async function* keysOf(projectId: string, namespace: string) {
    let cursor: string | undefined;
    do {
      const page = await cache.list(projectId, namespace, { prefix: "", limit: PAGE, cursor });
      yield* page.keys;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }

  async function* objectsOf(name: BucketName) {
    let cursor: string | undefined;
    do {
      const page = await storage.list(name, { limit: PAGE, cursor });
      yield* page.objects;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }

  async function* keyLines(projectId: string, namespace: string): AsyncGenerator<string> {
    for await (const { name, expiresAt } of keysOf(projectId, namespace)) {
      yield* jsonLines([{ key: name, expiresAt: toIsoOrNull(expiresAt) }]);
    }
  }

  async function* valueLines(projectId: string, namespace: string): AsyncGenerator<string> {
    for await (const { name } of keysOf(projectId, namespace)) {
      const value = await cache.get(projectId, namespace, name);
      // One that has expired meanwhile is none.
      if (value !== null) yield* jsonLines([{ key: name, base64: value.toString("base64") }]);
    }
  }

  async function* objectLines(name: BucketName): AsyncGenerator<string> {
    for await (const { key, size, etag, httpMetadata, customMetadata, isPublic, uploadedAt } of objectsOf(name)) {
      yield* jsonLines([{ key, size, etag, httpMetadata, customMetadata, isPublic, uploadedAt: toIso(uploadedAt) }]);
    }
  }

  async function* bytesOf(name: BucketName, key: string): AsyncGenerator<Uint8Array> {
    const located = await storage.reader.locate(name, key);
    if (located === null) return;
    for await (const chunk of await storage.reader.open(name.projectId, located.slices)) yield chunk as Uint8Array;
  }

  const metadata: DisclosureSource = async function* files({ projectIds }) {
    for (const projectId of projectIds) {
      const at = (...parts: string[]) => archivePath("content-metadata", projectId, ...parts);
      yield { name: at("databases.jsonl"), content: jsonLines(await databases.list(projectId)) };
      for (const namespace of await namespacesOf(projectId)) {
        yield { name: at("values", `${namespace}.jsonl`), content: keyLines(projectId, namespace) };
      }
      for (const { name: bucket } of await storage.buckets.list(projectId)) {
        yield { name: at("objects", `${bucket}.jsonl`), content: objectLines({ projectId, bucket }) };
      }
    }
  };

  const content: DisclosureSource = async function* files({ projectIds }) {
    for (const projectId of projectIds) {
      const at = (...parts: string[]) => archivePath("content", projectId, ...parts);
      for (const { name } of await databases.list(projectId)) {
        yield { name: at("databases", `${name}.sql`), content: databases.export({ projectId, database: name }) };
      }
      for (const namespace of await namespacesOf(projectId)) {
        yield { name: at("values", `${namespace}.jsonl`), content: valueLines(projectId, namespace) };
      }
      for (const { name: bucket } of await storage.buckets.list(projectId)) {
        for await (const { key } of objectsOf({ projectId, bucket })) {
          yield { name: at("objects", bucket, key), content: bytesOf({ projectId, bucket }, key) };
        }
      }
    }
  };

  return { content_metadata: metadata, content };
}
