import type { Connection } from "./connection.ts";

export interface StorageObject {
  readonly key: string;
  readonly size: number;
  readonly contentType: string;
  readonly lastModified: string;
  readonly etag: string;
}

export interface StoragePage {
  readonly objects: readonly StorageObject[];
  readonly truncated: boolean;
  readonly cursor?: string;
}

export interface SignUrlOptions {
  readonly method?: "GET" | "PUT";
  /** Seconds, at most a week; an hour by default. */
  readonly expiresIn?: number;
  /** Of an upload: the only type that is taken. */
  readonly contentType?: string;
  /** Of an upload. */
  readonly maxBytes?: number;
  /** Of an upload: whether anybody may read the object afterwards. */
  readonly public?: boolean;
}

export interface SignedUrl {
  readonly url: string;
  readonly method: "GET" | "PUT";
  readonly expiresAt: string;
}

/** A project's object storage; needs a secret key. */
export function createStorage(connection: Connection) {
  const call = <Answer>(operation: string, json: unknown): Promise<Answer> =>
    connection.json<Answer>({ path: `/v1/storage/${operation}`, json, isRepeatable: true });

  return {
    /** Stores up to 100 MB under the key and gives the object's URL: a lasting one, unless it is not to be public. */
    async upload(
      key: string,
      content: Blob | Uint8Array<ArrayBuffer> | string,
      options: { readonly contentType?: string; readonly public?: boolean } = {},
    ): Promise<string> {
      const form = new FormData();
      form.set("key", key);
      if (options.contentType !== undefined) form.set("contentType", options.contentType);
      if (options.public !== undefined) form.set("public", String(options.public));
      form.set("file", content instanceof Blob ? content : new Blob([content]), "file");
      const request = { path: "/v1/storage/upload", body: form, isRepeatable: true };
      return (await connection.json<{ url: string }>(request)).url;
    },
    /** The object as a response: read it as a stream, text, JSON or bytes. @throws with status 404 where there is none */
    async get(key: string): Promise<Response> {
      return await connection.send({ path: "/v1/storage/get", json: { key }, isRepeatable: true });
    },
    async getUrl(key: string): Promise<string> {
      return (await call<{ url: string }>("getUrl", { key })).url;
    },
    /** An address at which anybody who has it may read, or with PUT upload, this one object for a time. */
    async signUrl(key: string, options: SignUrlOptions = {}): Promise<SignedUrl> {
      return await call<SignedUrl>("signUrl", { key, ...options });
    },
    async list(
      options: { readonly prefix?: string; readonly limit?: number; readonly cursor?: string } = {},
    ): Promise<StoragePage> {
      return await call<StoragePage>("list", options);
    },
    async delete(key: string): Promise<void> {
      await call("delete", { key });
    },
    async exists(key: string): Promise<boolean> {
      return (await call<{ exists: boolean }>("exists", { key })).exists;
    },
    /** Null where there is no such object. */
    async metadata(key: string): Promise<Omit<StorageObject, "key"> | null> {
      const found = await call<Omit<StorageObject, "key"> & { exists: boolean }>("getMetadata", { key });
      if (!found.exists) return null;
      const { size, contentType, lastModified, etag } = found;
      return { size, contentType, lastModified, etag };
    },
    /** Gives the copy's URL. */
    async copy(sourceKey: string, destKey: string): Promise<string> {
      return (await call<{ url: string }>("copy", { sourceKey, destKey })).url;
    },
    async move(sourceKey: string, destKey: string): Promise<string> {
      return (await call<{ url: string }>("move", { sourceKey, destKey })).url;
    },
  };
}

export type Storage = ReturnType<typeof createStorage>;
