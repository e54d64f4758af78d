import { openAsBlob } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { configError } from "../command/cli-error.ts";
import { createAssetFilter } from "./asset-ignore.ts";

/** The server takes no larger single file of a site. */
const MAX_ASSET_BYTES = 25 * 1024 * 1024;

export interface Asset {
  /** Relative to the folder, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Reads from the file when it is sent. */
  readonly open: () => Promise<Blob>;
}

/**
 * The files of a site, in order of their paths; what .assetsignore names is left out. Symbolic links are left
 * out too: one could publish a file from anywhere on the machine.
 */
export async function collectAssets(directory: string): Promise<Asset[]> {
  let names: string[];
  try {
    names = await readdir(directory, { recursive: true });
  } catch {
    throw configError(`The assets directory ${directory} cannot be read.`, "Correct [assets] directory, or create it.");
  }
  const ignoreFile = await readFile(join(directory, ".assetsignore"), "utf8").catch(() => undefined);
  const isIgnored = createAssetFilter(ignoreFile);
  const assets: Asset[] = [];
  for (const name of names.sort()) {
    const file = join(directory, name);
    const path = relative(directory, file).split(sep).join("/");
    if (isIgnored(path)) continue;
    const facts = await lstat(file);
    if (!facts.isFile()) continue;
    if (facts.size > MAX_ASSET_BYTES) {
      throw configError(
        `${file} is larger than 25 MiB, the most a site's file may have.`,
        "Put it into object storage (`aerostack storage put`), or name it in .assetsignore.",
      );
    }
    assets.push({ path, bytes: facts.size, open: () => openAsBlob(file) });
  }
  return assets;
}
