import { createHash } from "node:crypto";
import { type BlobHash, BlobSizeError, type PutBlobOptions } from "./blob-store.ts";

export interface ContentMeasure {
  readonly size: number;
  readonly hashes: Partial<Record<BlobHash, string>> & Record<"md5" | "sha256", string>;
}

/** Counts and hashes content on its way into a store. */
export function createContentMeasure(options: PutBlobOptions) {
  const names = new Set<BlobHash>(["md5", "sha256", ...(options.hashes ?? [])]);
  const running = Array.from(names, (name) => ({ name, hash: createHash(name) }));
  let size = 0;
  return {
    /** @throws BlobSizeError as soon as there are too many bytes. */
    add(data: Uint8Array): void {
      size += data.length;
      if (options.expectedBytes !== undefined && size > options.expectedBytes) {
        throw new BlobSizeError(options.expectedBytes, "exactly");
      }
      if (options.maxBytes !== undefined && size > options.maxBytes)
        throw new BlobSizeError(options.maxBytes, "at most");
      for (const { hash } of running) hash.update(data);
    },
    /** @throws BlobSizeError when bytes are missing. */
    finish(): ContentMeasure {
      if (options.expectedBytes !== undefined && size !== options.expectedBytes) {
        throw new BlobSizeError(options.expectedBytes, "exactly");
      }
      const hashes = { md5: "", sha256: "" } as Partial<Record<BlobHash, string>> & Record<"md5" | "sha256", string>;
      for (const { name, hash } of running) hashes[name] = hash.digest("hex");
      return { size, hashes };
    },
  };
}
