import { Readable } from "node:stream";
import { BlobMissingError, type BlobStore } from "@aerostack/kernel";
import type { BlobUse } from "./blob-uses.ts";
import type { ObjectRange } from "./object-info.ts";

/** Bytes of a blob. */
export interface BlobSlice {
  readonly id: string;
  readonly offset: number;
  readonly length: number;
  /** Of the whole blob. */
  readonly size: number;
}

/** The bytes of an object's blobs that a range is made of, in order. */
export function coveringSlices(parts: readonly BlobUse[], range: ObjectRange): BlobSlice[] {
  const slices: BlobSlice[] = [];
  const end = range.offset + range.length;
  let start = 0;
  for (const { id, size } of parts) {
    const offset = Math.max(0, range.offset - start);
    const length = Math.min(size, end - start) - offset;
    if (length > 0) slices.push({ id, offset, length, size });
    start += size;
  }
  return slices;
}

/** The bytes of slices, one after another. The first is opened at once, so that one that is missing is told. */
export async function openSlices(blobs: BlobStore, slices: readonly BlobSlice[]): Promise<Readable> {
  const [first, ...others] = slices;
  if (first === undefined) return Readable.from([]);
  const opened = await open(blobs, first);
  if (others.length === 0) return opened;
  async function* all(): AsyncGenerator<Buffer> {
    yield* opened;
    for (const slice of others) yield* await open(blobs, slice);
  }
  const content = Readable.from(all(), { objectMode: false });
  content.once("close", () => opened.destroy());
  return content;
}

async function open(blobs: BlobStore, slice: BlobSlice): Promise<Readable> {
  try {
    return await blobs.get(slice.id, slice);
  } catch (error) {
    if (error instanceof BlobMissingError) throw new Error(`an object's blob ${slice.id} is missing`, { cause: error });
    throw error;
  }
}
