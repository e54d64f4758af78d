import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../../packages/server/package.json", import.meta.url));

/** Loads a dependency in the very version that the server runs with. The caller knows its type. */
export async function importAsServer<Module>(name: string): Promise<Module> {
  return (await import(pathToFileURL(require.resolve(name)).href)) as Module;
}

export function requireAsServer<Module>(name: string): Module {
  return require(name) as Module;
}
