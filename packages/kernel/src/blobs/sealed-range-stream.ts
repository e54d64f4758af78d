import type { Readable } from "node:stream";
import {
  CHUNK_BYTES,
  HEADER_BYTES,
  plainSizeOf,
  SEALED_CHUNK_BYTES,
  type SealedSource,
} from "../crypto/chunked-cipher.ts";

/** Where the sealed chunks of a range lie. */
export function sealedRangeOf(
  sealedSize: number,
  range: { readonly offset: number; readonly length: number },
): { readonly first: number; readonly last: number } {
  const lastChunk = Math.max(0, Math.ceil(plainSizeOf(sealedSize) / CHUNK_BYTES) - 1);
  const from = Math.min(lastChunk, Math.floor(range.offset / CHUNK_BYTES));
  const to = range.length === 0 ? from : Math.floor((range.offset + range.length - 1) / CHUNK_BYTES);
  const end = Math.min(sealedSize, HEADER_BYTES + (to + 1) * SEALED_CHUNK_BYTES);
  return { first: HEADER_BYTES + from * SEALED_CHUNK_BYTES, last: end - 1 };
}

/** A header that was read already and a stream of the chunks after it, as a place that is read from front to back. */
export function sealedSourceOf(header: Buffer, size: number, stream: Readable): SealedSource {
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  let held: Buffer[] = [];
  let heldBytes = 0;
  return {
    size,
    async read(position, length) {
      if (position < HEADER_BYTES) return header.subarray(position, position + length);
      while (heldBytes < length) {
        const { value, done } = await chunks.next();
        if (done === true) break;
        held.push(value);
        heldBytes += value.length;
      }
      const all = Buffer.concat(held);
      held = [all.subarray(length)];
      heldBytes = Math.max(0, all.length - length);
      return all.subarray(0, length);
    },
  };
}
