import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Written by the install script: what is installed, and for which lock file. */
const INSTALL_STAMP = ".aerostack-installed";

async function entries(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

/**
 * Clones HEAD into a folder and lends it this checkout's third-party packages, so that nothing has to be downloaded. The
 * project's own packages are the clone's.
 */
export async function freshCheckout(folder: string): Promise<void> {
  await run("git", ["clone", "--quiet", ROOT, folder]);
  const installed = join(ROOT, "node_modules");
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  for (const name of await entries(installed)) {
    if (name === "@aerostack" || name === "aerostack" || name.startsWith(".")) continue;
    await symlink(join(installed, name), join(modules, name));
  }
  // Links into the packages are relative: copied as they are they lead to the clone's own.
  for (const name of [".bin", "@aerostack", "aerostack"]) {
    await cp(join(installed, name), join(modules, name), { recursive: true, verbatimSymlinks: true });
  }
  const lockFile = await readFile(join(folder, "package-lock.json"));
  await writeFile(join(modules, INSTALL_STAMP), `${createHash("sha256").update(lockFile).digest("hex")} all`);
  for (const name of await entries(join(ROOT, "packages"))) {
    const own = join(ROOT, "packages", name, "node_modules");
    if ((await entries(own)).length > 0) await symlink(own, join(folder, "packages", name, "node_modules"));
  }
}
