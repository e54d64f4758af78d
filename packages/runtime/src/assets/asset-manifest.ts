import { AerostackError } from "@aerostack/contracts";
import type { OpenFile } from "../stored-file.ts";

/** A file of a function's static assets, as it was deployed. */
export interface AssetFile {
  /** Path below the site's root, starting with a slash; not percent-encoded. */
  readonly path: string;
  /** Its bytes. */
  readonly open: OpenFile;
  readonly sizeBytes: number;
  /** Hex; also its etag. */
  readonly sha256: string;
}

/** The files of one version, by path. */
export type AssetManifest = ReadonlyMap<string, AssetFile>;

/** Files with rules for the others: read, never served. */
export const HEADERS_FILE = "/_headers";
export const REDIRECTS_FILE = "/_redirects";

export const MAX_ASSET_FILES = 20_000;
export const MAX_ASSET_BYTES = 25 * 1024 * 1024;
const MAX_PATH_LENGTH = 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: paths with control characters are what is refused
const BAD_CHARACTERS = /[\u0000-\u001f\u007f\\]/;

function problemOf({ path, sizeBytes }: AssetFile): string | null {
  if (!path.startsWith("/") || path.endsWith("/")) return "must start with a slash and name a file";
  if (path.length > MAX_PATH_LENGTH) return `is longer than ${MAX_PATH_LENGTH} characters`;
  if (BAD_CHARACTERS.test(path)) return "holds control characters or backslashes";
  if (path.split("/").some((segment, index) => index > 0 && (segment === "" || segment === "." || segment === ".."))) {
    return "has an empty, '.' or '..' segment";
  }
  if (sizeBytes > MAX_ASSET_BYTES) return `is larger than ${MAX_ASSET_BYTES} bytes`;
  return null;
}

/**
 * Checks the files of a deployment and makes them findable by path.
 *
 * @throws VALIDATION_ERROR with `details.fieldErrors.assets`
 */
export function buildAssetManifest(files: readonly AssetFile[]): AssetManifest {
  const problems: string[] = [];
  const manifest = new Map<string, AssetFile>();
  if (files.length > MAX_ASSET_FILES) problems.push(`There are more than ${MAX_ASSET_FILES} files.`);
  for (const file of files.slice(0, MAX_ASSET_FILES)) {
    const problem = manifest.has(file.path) ? "is there twice" : problemOf(file);
    if (problem === null) manifest.set(file.path, file);
    else problems.push(`The asset '${file.path.slice(0, 200)}' ${problem}.`);
  }
  const [first] = problems;
  if (first !== undefined) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: first,
      details: { fieldErrors: { assets: problems.slice(0, 20) } },
    });
  }
  return manifest;
}
