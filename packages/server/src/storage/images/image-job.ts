/** What a picture is made into. */
export interface ImageOptions {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly fit: ImageFit;
  /** True: one that is smaller becomes as large. */
  readonly enlarges?: boolean | undefined;
  readonly format: ImageFormat;
  /** 1 to 100. */
  readonly quality: number;
}

export const IMAGE_FITS = ["cover", "contain", "fill", "inside", "outside"] as const;
export type ImageFit = (typeof IMAGE_FITS)[number];
export const IMAGE_FORMATS = ["jpeg", "png", "webp", "avif"] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** Width and height of a result. */
export const MAX_EDGE_PIXELS = 4096;
/** Of a source, unfolded: a small file may claim to be enormous. */
export const MAX_SOURCE_PIXELS = 40_000_000;
export const MAX_SOURCE_BYTES = 25 * 1024 * 1024;

export interface ImageJob {
  readonly id: number;
  readonly source: Uint8Array;
  readonly options: ImageOptions;
}

export type ImageAnswer =
  | { readonly id: number; readonly result: Uint8Array }
  | { readonly id: number; readonly refusal: "unreadable" | "too-large" };
