import { Readable } from "node:stream";
import { plainAttributes, type StorageService } from "../../storage/service.ts";
import type { AvatarStorage } from "./avatars.ts";

/** A bucket of its own, so that pictures of users never meet what the project's code stores. */
const BUCKET = "end-users";

/** Pictures in the project's object storage. */
export function createAvatarStorage(storage: StorageService): AvatarStorage {
  return {
    async put(projectId, key, bytes, contentType) {
      const attributes = plainAttributes(contentType);
      await storage.put({ projectId, bucket: BUCKET }, key, Readable.from([bytes]), { attributes, size: bytes.length });
    },
    async get(projectId, key) {
      const located = await storage.reader.locate({ projectId, bucket: BUCKET }, key);
      if (located === null) return null;
      const content = await storage.reader.open(projectId, located.slices);
      return { content: Readable.toWeb(content) as ReadableStream<Uint8Array>, size: located.object.size };
    },
    delete: (projectId, key) => storage.delete({ projectId, bucket: BUCKET }, [key]),
  };
}
