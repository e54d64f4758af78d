import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { FunctionEnvironment } from "@aerostack/contracts";
import { configError } from "../command/cli-error.ts";
import { interpretConfig } from "./interpret-config.ts";
import type { ProjectConfig } from "./project-config.ts";
import { readConfigFile } from "./read-config-file.ts";

/** In the order in which they win within one folder. */
export const CONFIG_FILES = ["aerostack.toml", "wrangler.toml", "wrangler.jsonc", "wrangler.json"] as const;

export interface FindConfigOptions {
  readonly cwd: string;
  /** `--config`: this file and no other. */
  readonly file: string | undefined;
}

/** The configuration file that holds for a folder: its own, or that of the nearest folder above. */
export function findConfigFile({ cwd, file }: FindConfigOptions): string | undefined {
  if (file !== undefined) {
    const path = resolve(cwd, file);
    if (!existsSync(path)) throw configError(`There is no file ${path}.`, "Correct --config.");
    return path;
  }
  let directory = resolve(cwd);
  for (;;) {
    for (const name of CONFIG_FILES) {
      const candidate = join(directory, name);
      if (existsSync(candidate)) return candidate;
    }
    const parent = dirname(directory);
    if (parent === directory) return undefined;
    directory = parent;
  }
}

/** Finds, reads and interprets the configuration; undefined where there is none. */
export async function loadConfig(
  options: FindConfigOptions & { readonly environment: FunctionEnvironment },
): Promise<ProjectConfig | undefined> {
  const file = findConfigFile(options);
  if (file === undefined) return undefined;
  return interpretConfig(await readConfigFile(file), file, options.environment);
}
