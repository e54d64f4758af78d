import { createHmac } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { BlobSizeError, type Clock, createFileBlobStore, deriveKey } from "@aerostack/kernel";
import type { OpenFile } from "@aerostack/runtime";

/** A file of a bundle: a module or a static asset. */
export interface StoredFile {
  /** SHA-256 of the content, hex. */
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
  /** Opens a kept file, whenever it is asked. */
  opener(sha256: string): OpenFile;
  /** Removes those of the files that nothing names any more. */
  collect(files: Iterable<string>): Promise<void>;
}

export interface BundleStoreOptions {
  readonly directory: string;
  /** 32 bytes that the keys of the store are derived from. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  /** Whether a stored version names the file. */
  readonly isUsed: (sha256: string) => Promise<boolean>;
}

/** How files were kept before they were sealed: in the clear, under their hash. */
const PLAIN_NAME = /^[0-9a-f]{64}$/;
const PLAIN_ARRIVING = /^incoming-/;

/**
 * Keeps the files of deployments by their content, sealed, so that versions share what they have in common and a version can
 * never change. A file is there only when it is whole and synced.
 */
export async function createBundleStore({ directory, key, clock, isUsed }: BundleStoreOptions): Promise<BundleStore> {
  const idKey = deriveKey(key, "bundle-ids");
  const blobs = createFileBlobStore({ directory, sealKey: deriveKey(key, "bundles"), idKey, clock });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Left by a process that was killed in the middle of an upload.
  await blobs.discardPartial(clock.now() + 1);
  await sealPlainFiles();
  /** Sessions that hold each file. */
  const holders = new Map<string, number>();
  /** When each upload began that has not ended: its file may be there already, and is not held yet. */
  const arriving = new Set<{ readonly since: number }>();

  /** As the store makes it of a content. */
  const idOf = (sha256: string): string => createHmac("sha256", idKey).update(sha256, "hex").digest("hex");

  async function sealPlainFiles(): Promise<void> {
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (PLAIN_NAME.test(name)) await blobs.put(createReadStream(path));
      if (PLAIN_NAME.test(name) || PLAIN_ARRIVING.test(name)) await rm(path);
    }
  }

  async function collect(files: Iterable<string>): Promise<void> {
    for (const sha256 of files) {
      if (holders.has(sha256)) continue;
      // Who takes the file up from now on stores it anew, and is in time as long as nothing younger is removed.
      const storedBefore = Math.min(clock.now(), ...[...arriving].map(({ since }) => since));
      if (!(await isUsed(sha256))) await blobs.delete(idOf(sha256), { storedBefore });
    }
  }

  return {
    // A site has thousands of files, of which few are asked for.
    opener: (sha256) => async (range) =>
      await blobs.get(idOf(sha256), range && { offset: range.start, length: range.end - range.start + 1 }),
    collect,
    open() {
      const held: string[] = [];
      return {
        async put(content, maxBytes) {
          const arrival = { since: clock.now() };
          arriving.add(arrival);
          // It may break off before the store begins to read it, which is told of by its first read.
          content.on("error", () => {});
          try {
            const { hashes, size } = await blobs.put(content, { maxBytes });
            const { sha256 } = hashes;
            holders.set(sha256, (holders.get(sha256) ?? 0) + 1);
            held.push(sha256);
            return { sha256, sizeBytes: size };
          } catch (error) {
            if (!(error instanceof BlobSizeError)) throw error;
            throw new AerostackError("REQUEST_TOO_LARGE", {
              message: `A file of the bundle is over ${maxBytes} bytes.`,
            });
          } finally {
            arriving.delete(arrival);
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
