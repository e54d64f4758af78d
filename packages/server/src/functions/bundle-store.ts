import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import { access, mkdir, open, readdir, rename, rm } from "node:fs/promises";
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

/** The files of one deployment, from their arrival until a version names them or the deployment is refused. */
export interface BundleSession {
  /** Keeps the stream's bytes; equal content is kept once. Throws REQUEST_TOO_LARGE past `maxBytes`. */
  put(content: Readable, maxBytes: number): Promise<StoredFile>;
  /** Ends the session. Files that no version and no other session names are removed. */
  close(): Promise<void>;
}

export interface BundleStore {
  open(): BundleSession;
  /** Path of a kept file, for the runtime, which embeds modules by path. */
  pathOf(sha256: string): string;
  /** Removes those of the files that nothing names any more. */
  collect(files: Iterable<string>): Promise<void>;
}

const INCOMING_PREFIX = "incoming-";

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Keeps the files of deployments by their content, so that versions share what they have in common and a version can never
 * change. A file is there under its name only when it is whole and synced.
 *
 * @param isUsed whether a stored version names the file
 */
export async function createBundleStore(
  directory: string,
  isUsed: (sha256: string) => Promise<boolean>,
): Promise<BundleStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    // Left by a process that was killed in the middle of an upload.
    if (name.startsWith(INCOMING_PREFIX)) await rm(join(directory, name), { force: true });
  }
  /** Sessions that hold each file. */
  const holders = new Map<string, number>();

  function pathOf(sha256: string): string {
    return join(directory, sha256);
  }

  async function receive(content: Readable, maxBytes: number, temporary: string): Promise<StoredFile> {
    const hash = createHash("sha256");
    let sizeBytes = 0;
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
    return { sha256: hash.digest("hex"), sizeBytes };
  }

  async function collect(files: Iterable<string>): Promise<void> {
    for (const sha256 of files) {
      if (await isUsed(sha256)) continue;
      // From this look to the removal nothing is waited for: a session that takes the file up does so before or after.
      if (!holders.has(sha256)) rmSync(pathOf(sha256), { force: true });
    }
  }

  return {
    pathOf,
    collect,
    open() {
      const held: string[] = [];
      return {
        async put(content, maxBytes) {
          const temporary = join(directory, `${INCOMING_PREFIX}${randomUUID()}`);
          try {
            const stored = await receive(content, maxBytes, temporary);
            holders.set(stored.sha256, (holders.get(stored.sha256) ?? 0) + 1);
            held.push(stored.sha256);
            const path = pathOf(stored.sha256);
            const isKept = await access(path).then(
              () => true,
              () => false,
            );
            if (isKept) {
              await rm(temporary);
            } else {
              await rename(temporary, path);
              await syncDirectory(directory);
            }
            return stored;
          } catch (error) {
            await rm(temporary, { force: true });
            throw error;
          }
        },
        async close() {
          for (const sha256 of held) {
            const left = (holders.get(sha256) ?? 1) - 1;
            if (left === 0) holders.delete(sha256);
            else holders.set(sha256, left);
          }
          await collect(held.splice(0));
        },
      };
    },
  };
}
