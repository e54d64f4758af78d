import { Readable } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import type { StorageService } from "../../storage/service.ts";
import type { AvatarStorage } from "./avatars.ts";

/** A bucket of its own, so that pictures of users never meet what the project's code stores. */
const BUCKET = "end-users";

/** Pictures in the project's object storage. */
export function createAvatarStorage(storage: StorageService): AvatarStorage {
  return {
    async put(projectId, key, bytes, contentType) {
      await storage.put(projectId, BUCKET, key, Readable.from([bytes]), { contentType, size: bytes.length });
    },
    async get(projectId, key) {
      try {
        const { object, content } = await storage.get(projectId, BUCKET, key);
        return { content: Readable.toWeb(content) as ReadableStream<Uint8Array>, size: object.size };
      } catch (error) {
        if (error instanceof AerostackError && error.status === 404) return null;
        throw error;
      }
    },
    delete: (projectId, key) => storage.delete(projectId, BUCKET, key),
  };
}
