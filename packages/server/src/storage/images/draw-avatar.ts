import type { ImageResizer } from "./image-resizer.ts";

const EDGE_PIXELS = 256;
const QUALITY = 85;

/** A square from the middle of a picture, without what else its file holds. */
export function drawAvatar(resizer: ImageResizer) {
  return async (source: Uint8Array): Promise<Uint8Array> =>
    await resizer.resize(source, {
      width: EDGE_PIXELS,
      height: EDGE_PIXELS,
      fit: "cover",
      format: "webp",
      quality: QUALITY,
      enlarges: true,
    });
}
