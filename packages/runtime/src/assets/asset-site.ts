/** A file of a function's static assets, as it was deployed. */
export interface AssetFile {
  /** Path below the site's root, starting with a slash. */
  readonly path: string;
  /** File on disk that holds its bytes. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Hex; also its etag. */
  readonly sha256: string;
}
