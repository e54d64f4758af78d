import type { Readable } from "node:stream";

/**
 * Bytes by content. A blob's id is a keyed hash of what it holds: equal bytes are one blob, and an id tells nothing to
 * whoever lacks the key. A store keeps bytes and nothing else; names, owners and reference counts live with its users.
 *
 * Life of a blob: `put` returns once the bytes are durable, with a fresh `storedAt` even where the blob was there
 * before. Its user then commits a reference, within minutes. A blob without a reference is deleted by
 * `delete(id, { storedBefore })`, which leaves a blob alone that was put again meanwhile.
 */
export interface BlobStore {
  /**
   * Stores what `content` yields. A source that throws leaves nothing behind, and its error is passed on.
   * @throws BlobSizeError when there are more bytes than `maxBytes`, or not exactly `expectedBytes`.
   */
  put(content: AsyncIterable<Uint8Array>, options?: PutBlobOptions): Promise<StoredBlob>;
  /** Opens a blob; bytes are verified before they are handed out. @throws BlobMissingError */
  get(id: string, range?: BlobRange): Promise<Readable>;
  /** @returns undefined where there is no such blob. */
  stat(id: string): Promise<BlobStat | undefined>;
  /** @returns whether a blob was deleted; false where there is none, or where it was stored at or after `storedBefore`. */
  delete(id: string, options?: { readonly storedBefore?: number }): Promise<boolean>;
  /** Every blob, in no order: for the search for blobs that nothing refers to. */
  list(): AsyncIterable<Pick<BlobStat, "id" | "storedAt">>;
  /** Removes what uploads that never ended left behind before that time (ms). */
  discardPartial(startedBefore: number): Promise<void>;
  /** Removes every blob. */
  deleteAll(): Promise<void>;
}

export const BLOB_HASHES = ["md5", "sha1", "sha256", "sha384", "sha512"] as const;
export type BlobHash = (typeof BLOB_HASHES)[number];

export interface PutBlobOptions {
  /** Refuses any other number of bytes. */
  readonly expectedBytes?: number;
  /** Refuses more bytes. */
  readonly maxBytes?: number;
  /** Hashes to compute besides md5 and sha256. */
  readonly hashes?: readonly BlobHash[];
}

export interface BlobStat {
  /** 64 hex digits. */
  readonly id: string;
  /** Bytes, as put. */
  readonly size: number;
  /** Milliseconds since the epoch of the last put of this content. */
  readonly storedAt: number;
}

export interface StoredBlob extends BlobStat {
  /** Hashes of the content, in hex. */
  readonly hashes: Readonly<Partial<Record<BlobHash, string>> & Record<"md5" | "sha256", string>>;
}

export interface BlobRange {
  readonly offset: number;
  /** To the end where it is left out. */
  readonly length?: number;
}

export class BlobMissingError extends Error {
  constructor(id: string) {
    super(`there is no blob ${id}`);
    this.name = "BlobMissingError";
  }
}

export class BlobSizeError extends Error {
  constructor(limit: number, what: "at most" | "exactly") {
    super(`the content has not ${what} ${limit} bytes`);
    this.name = "BlobSizeError";
  }
}
