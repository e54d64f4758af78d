import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

/** Opens a file of a deployment, wherever and however it is kept; `range` is inclusive. Rejects where it is not there whole. */
export type OpenFile = (range?: { readonly start: number; readonly end: number }) => Promise<Readable>;

export async function readWhole(open: OpenFile): Promise<Buffer> {
  return await buffer(await open());
}
