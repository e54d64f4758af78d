import { gzipSync } from "node:zlib";
import { formatBytes, plural } from "../output/format.ts";
import type { Bundle } from "./bundle-function.ts";
import type { Asset } from "./collect-assets.ts";

export interface SizeReport {
  readonly codeBytes: number;
  readonly codeGzipBytes: number;
  readonly modules: readonly { readonly name: string; readonly bytes: number }[];
  readonly assets: { readonly files: number; readonly bytes: number };
  /** What the code is made of, largest first. */
  readonly parts: Bundle["parts"];
}

export function measureBundle(bundle: Bundle, assets: readonly Asset[]): SizeReport {
  return {
    codeBytes: bundle.code.byteLength,
    codeGzipBytes: gzipSync(bundle.code).byteLength,
    modules: bundle.extraModules.map(({ name, content }) => ({ name, bytes: content.byteLength })),
    assets: { files: assets.length, bytes: assets.reduce((sum, { bytes }) => sum + bytes, 0) },
    parts: bundle.parts,
  };
}

/** `12 KiB, gzip 4.1 KiB; 1 module 80 KiB; 3 assets 1.2 MiB` */
export function describeSize({ codeBytes, codeGzipBytes, modules, assets }: SizeReport): string {
  const facts = [`${formatBytes(codeBytes)}, gzip ${formatBytes(codeGzipBytes)}`];
  if (modules.length > 0) {
    const bytes = modules.reduce((sum, module) => sum + module.bytes, 0);
    facts.push(`${plural(modules.length, "module")} ${formatBytes(bytes)}`);
  }
  if (assets.files > 0) facts.push(`${plural(assets.files, "asset")} ${formatBytes(assets.bytes)}`);
  return facts.join("; ");
}
