import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { deployConfigSchema } from "@aerostack/contracts";
import { bundleFunction } from "../../packages/cli/src/bundler/bundle-function.ts";

const PROGRAMS = new URL("../fixtures/programs/", import.meta.url);

/** Newest date that the runtime of the test tools knows as well, so that a program can be tried against both. */
export const PROGRAM_COMPATIBILITY_DATE = "2026-06-01";

export interface BundledProgram {
  readonly worker: string;
  readonly modules: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** Bundles a program of `fixtures/programs` with the CLI's own bundler, minified as a deployment is. */
export async function bundleProgram(name: string, compatibilityFlags: readonly string[]): Promise<BundledProgram> {
  const main = fileURLToPath(new URL(`${name}.ts`, PROGRAMS));
  const source = {
    name,
    main,
    public: true,
    compatibilityDate: PROGRAM_COMPATIBILITY_DATE,
    compatibilityFlags,
    assetsDirectory: undefined,
    define: {},
    alias: {},
    rules: [],
    config: deployConfigSchema.parse({}),
  };
  const bundle = await bundleFunction(source, dirname(main), { minify: true });
  return {
    worker: new TextDecoder().decode(bundle.code),
    modules: Object.fromEntries(bundle.extraModules.map(({ name: file, content }) => [file, content])),
  };
}
