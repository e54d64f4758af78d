import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** Variables of `.dev.vars`, which stand in for secrets on this machine; none where there is no such file. */
export async function readDevVars(directory: string): Promise<Record<string, string>> {
  try {
    const parsed = parseEnv(await readFile(join(directory, ".dev.vars"), "utf8"));
    return Object.fromEntries(
      Object.entries(parsed).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  } catch {
    return {};
  }
}
