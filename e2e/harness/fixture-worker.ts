import { readFile } from "node:fs/promises";

/** The source of a Worker of `fixtures/workers`, deployed as it stands there. */
export async function fixtureWorker(name: string): Promise<string> {
  return await readFile(new URL(`../fixtures/workers/${name}.js`, import.meta.url), "utf8");
}
