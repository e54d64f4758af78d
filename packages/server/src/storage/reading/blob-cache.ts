/**
 * The bytes of small blobs that are read again and again, opened. A blob's id stands for its bytes, so nothing here is ever
 * out of date; whether an object still has the blob is asked of the data host for each reader.
 */
export interface BlobCache {
  /** The blob's bytes: kept ones, or what `load` gives. Loaded once, however many ask at once. */
  read(id: string, load: () => Promise<Buffer>): Buffer | Promise<Buffer>;
  /** True when a blob of that size goes through the cache. */
  takes(size: number): boolean;
}

export interface BlobCacheOptions {
  readonly maxBytes: number;
  readonly maxBlobBytes: number;
  /** True: what was loaded once is kept, because it costs much to load. */
  readonly keepsAtOnce?: boolean;
}

/** Ids that were read once: their second reader has them kept. */
const MAX_SEEN = 4096;

export function createBlobCache({ maxBytes, maxBlobBytes, keepsAtOnce = false }: BlobCacheOptions): BlobCache {
  /** Least recently used first. */
  const kept = new Map<string, Buffer>();
  const loading = new Map<string, Promise<Buffer>>();
  const seen = new Set<string>();
  let bytes = 0;

  function keep(id: string, content: Buffer): void {
    if (content.length > maxBlobBytes) return;
    if (!keepsAtOnce && !seen.has(id)) {
      // What is read only once would push out what is read often.
      seen.add(id);
      if (seen.size > MAX_SEEN) for (const oldest of seen.values().take(1)) seen.delete(oldest);
      return;
    }
    kept.set(id, content);
    bytes += content.length;
    for (const [oldest, held] of kept) {
      if (bytes <= maxBytes) break;
      kept.delete(oldest);
      bytes -= held.length;
    }
  }

  return {
    takes: (size) => size <= maxBlobBytes,
    read(id, load) {
      const found = kept.get(id);
      if (found !== undefined) {
        kept.delete(id);
        kept.set(id, found);
        return found;
      }
      let promise = loading.get(id);
      if (promise === undefined) {
        promise = load().finally(() => loading.delete(id));
        loading.set(id, promise);
        promise.then(
          (content) => keep(id, content),
          () => undefined,
        );
      }
      return promise;
    },
  };
}
