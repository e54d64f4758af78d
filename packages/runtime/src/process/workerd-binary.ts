import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** npm package and file of the binary for each `platform arch`, as the workerd package lists them. */
const PACKAGES: Readonly<Record<string, string>> = {
  "darwin arm64": "@cloudflare/workerd-darwin-arm64",
  "darwin x64": "@cloudflare/workerd-darwin-64",
  "linux arm64": "@cloudflare/workerd-linux-arm64",
  "linux x64": "@cloudflare/workerd-linux-64",
  "win32 x64": "@cloudflare/workerd-windows-64",
};

/** Path of the workerd binary that npm installed for this machine. @throws when there is none */
export function findWorkerd(platform = process.platform, arch = process.arch): string {
  const name = PACKAGES[`${platform} ${arch}`];
  if (name === undefined) throw new Error(`workerd is not available for ${platform} ${arch}.`);
  // The platform package is a dependency of workerd: looked up from there, as npm may have nested it.
  const fromWorkerd = createRequire(createRequire(import.meta.url).resolve("workerd/package.json"));
  const directory = dirname(fromWorkerd.resolve(`${name}/package.json`));
  const path = join(directory, "bin", platform === "win32" ? "workerd.exe" : "workerd");
  if (!existsSync(path)) throw new Error(`The package ${name} has no workerd binary; reinstall the dependencies.`);
  return path;
}
