import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type BlobSlice, type LocatedObject, openSlices, type ReadRequest } from "@aerostack/datahost";
import type { BlobStore } from "@aerostack/kernel";
import type { HostCall } from "../../kernel/host-call.ts";
import { type BlobCache, createBlobCache } from "./blob-cache.ts";

const MEBIBYTE = 1024 * 1024;
const CACHE_LIMITS = { maxBytes: 64 * MEBIBYTE, maxBlobBytes: 4 * MEBIBYTE };

export interface BucketName {
  readonly projectId: string;
  readonly bucket: string;
}

export interface ObjectReaderOptions {
  readonly call: HostCall;
  readonly blobsOf: (projectId: string) => BlobStore;
  readonly cache?: BlobCache;
}

/**
 * Reads objects: the data host says which blobs they are made of, and the bytes come straight from those, so that a large
 * download costs the process that serves every database nothing.
 */
export function createObjectReader({ call, blobsOf, cache = createBlobCache(CACHE_LIMITS) }: ObjectReaderOptions) {
  /** The whole of a small blob, or undefined for a large one. */
  function smallBlob(projectId: string, slice: BlobSlice): Buffer | Promise<Buffer> | undefined {
    if (!cache.takes(slice.size)) return undefined;
    return cache.read(`${projectId}/${slice.id}`, async () => {
      const whole = { ...slice, offset: 0, length: slice.size };
      const content = await openSlices(blobsOf(projectId), [whole]);
      return Buffer.concat(await content.toArray());
    });
  }

  return {
    /** Null where there is no such object. */
    locate: (name: BucketName, key: string, request?: ReadRequest): Promise<LocatedObject | null> =>
      call("objects.locate", { ...name, key, request }),

    open: (projectId: string, slices: readonly BlobSlice[]): Promise<Readable> =>
      openSlices(blobsOf(projectId), slices),

    /** Writes the bytes and ends the answer; `writeHead` is called once it is known that they are there. */
    async send(
      res: ServerResponse,
      projectId: string,
      slices: readonly BlobSlice[],
      writeHead: () => void,
    ): Promise<void> {
      const [first] = slices;
      if (first === undefined) {
        writeHead();
        res.end();
        return;
      }
      const small = slices.length === 1 ? smallBlob(projectId, first) : undefined;
      if (small !== undefined) {
        const blob = small instanceof Promise ? await small : small;
        writeHead();
        res.end(blob.subarray(first.offset, first.offset + first.length));
        return;
      }
      const content = await openSlices(blobsOf(projectId), slices);
      writeHead();
      // The reader went away, or a blob is broken: an answer that is cut short tells the reader.
      await pipeline(content, res).catch(() => void res.destroy());
    },
  };
}

export type ObjectReader = ReturnType<typeof createObjectReader>;
