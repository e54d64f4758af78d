import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AerostackError } from "@aerostack/contracts";

/** A file of a bundle: a module or a static asset. */
export interface StoredFile {
  /** SHA-256 of the content, hex: also its name in the store. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface BundleStore {
  /** Keeps the stream's bytes; equal content is kept once. Throws REQUEST_TOO_LARGE past `maxBytes`. */
  put(content: Readable, maxBytes: number): Promise<StoredFile>;
  /** Path of a kept file, for the runtime, which embeds modules by path. */
  pathOf(sha256: string): string;
}

/**
 * Keeps the files of deployments by their content, so that versions share what they have in common and a version can never
 * change. A file is there under its name only when it is whole and synced.
 */
export async function createBundleStore(directory: string): Promise<BundleStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });

  function pathOf(sha256: string): string {
    return join(directory, sha256.slice(0, 2), sha256);
  }

  async function syncDirectory(path: string): Promise<void> {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  return {
    pathOf,
    async put(content, maxBytes) {
      const temporary = join(directory, `incoming-${randomUUID()}`);
      const hash = createHash("sha256");
      let sizeBytes = 0;
      try {
        await pipeline(
          content,
          async function* (source: AsyncIterable<Buffer>) {
            for await (const chunk of source) {
              sizeBytes += chunk.length;
              if (sizeBytes > maxBytes) {
                throw new AerostackError("REQUEST_TOO_LARGE", {
                  message: `A file of the bundle is over ${maxBytes} bytes.`,
                });
              }
              hash.update(chunk);
              yield chunk;
            }
          },
          createWriteStream(temporary, { mode: 0o600, flush: true }),
        );
        const sha256 = hash.digest("hex");
        const path = pathOf(sha256);
        const folder = join(directory, sha256.slice(0, 2));
        const kept = await access(path).then(
          () => true,
          () => false,
        );
        if (kept) {
          await rm(temporary);
        } else {
          await mkdir(folder, { recursive: true, mode: 0o700 });
          await rename(temporary, path);
          await syncDirectory(folder);
        }
        return { sha256, sizeBytes };
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}
