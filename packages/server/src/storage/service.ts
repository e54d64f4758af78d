import { randomBytes } from "node:crypto";
import type { ObjectClient } from "@aerostack/datahost";
import type { HostCall } from "../kernel/host-call.ts";

/** An object without its bytes. */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** Hex, without quotes. */
  readonly etag: string;
  readonly httpMetadata: { readonly contentType?: string };
  /** Milliseconds since the Unix epoch. */
  readonly uploadedAt: number;
}

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  readonly cursor: string | null;
}

export interface StorageServiceOptions {
  readonly call: HostCall;
  /** Streams bytes in and out of the data host. */
  readonly objects: ObjectClient;
}

const TOKEN_BYTES = 24;

/** A project's buckets: bytes are streamed, an acknowledged object is on disk. */
export function createStorageService({ call, objects }: StorageServiceOptions) {
  /** The server's own grants at the data host, one for each project that was asked for. */
  const tokens = new Map<string, Promise<string>>();

  function tokenOf(projectId: string): Promise<string> {
    let token = tokens.get(projectId);
    if (token === undefined) {
      const fresh = randomBytes(TOKEN_BYTES).toString("base64url");
      token = call("grants.register", { token: fresh, projectId }).then(() => fresh);
      tokens.set(projectId, token);
      token.catch(() => tokens.delete(projectId));
    }
    return token;
  }

  return {
    async list(
      projectId: string,
      bucket: string,
      page: { readonly prefix: string; readonly limit: number; readonly cursor?: string | undefined },
    ): Promise<ObjectPage> {
      return await call("objects.list", { projectId, bucket, ...page });
    },

    async put(
      projectId: string,
      bucket: string,
      key: string,
      content: AsyncIterable<Uint8Array>,
      options: { readonly contentType: string | undefined; readonly size: number | undefined },
    ): Promise<StoredObject> {
      const { contentType, size } = options;
      return await objects.put({ token: await tokenOf(projectId), bucket }, key, content, {
        attributes: {
          httpMetadata: contentType === undefined ? {} : { contentType },
          customMetadata: {},
          storageClass: "Standard",
          isPublic: false,
        },
        size,
      });
    },

    /** @throws NOT_FOUND */
    async get(projectId: string, bucket: string, key: string) {
      return await objects.get({ token: await tokenOf(projectId), bucket }, key);
    },

    async delete(projectId: string, bucket: string, key: string): Promise<void> {
      await call("objects.delete", { projectId, bucket, keys: [key] });
    },

    async forgetProject(projectId: string): Promise<void> {
      const token = await tokens.get(projectId);
      tokens.delete(projectId);
      if (token !== undefined) await call("grants.revoke", { token });
    },
  };
}

export type StorageService = ReturnType<typeof createStorageService>;
