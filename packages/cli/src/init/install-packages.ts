import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const manifestSchema = z.looseObject({ dependencies: z.record(z.string(), z.string()).optional() });

/** Names of the packages that a folder's function is made of. */
export async function dependenciesOf(directory: string): Promise<string[]> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(directory, "package.json"), "utf8")));
  return Object.keys(manifest.dependencies ?? {});
}

/** Runs `npm install`; undefined when it went well, else npm's own words. */
export async function installPackages(
  directory: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | undefined> {
  // What an outer npm (npx, npm exec) passes on would make the inner one work for the outer one's folder.
  const cleaned = Object.fromEntries(Object.entries(env).filter(([name]) => !name.toLowerCase().startsWith("npm_")));
  const child = spawn("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: directory,
    env: cleaned,
    stdio: ["ignore", "ignore", "pipe"],
    shell: process.platform === "win32",
    signal,
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code === 0 ? undefined : said.trim() || `npm ended with code ${code}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
