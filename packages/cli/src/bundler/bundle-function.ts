import { builtinModules } from "node:module";
import { join } from "node:path";
import { type BuildFailure, type BuildOptions, type BuildResult, build, formatMessages, type Message } from "esbuild";
import { CliError } from "../command/cli-error.ts";
import type { FunctionSource } from "../config/project-config.ts";
import { type ExtraModule, extraModulesPlugin } from "./extra-modules-plugin.ts";
import { nodeSupport } from "./node-modules-available.ts";
import { nodeModulesPlugin } from "./node-modules-plugin.ts";

/** A function ready to be sent. */
export interface Bundle {
  /** The one ES module, `dist/worker.js`. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** Modules beside it: WebAssembly, texts, data. */
  readonly extraModules: readonly ExtraModule[];
  /** What a reader should know although the bundle was built. */
  readonly warnings: readonly string[];
  /** Source files and packages, largest share of the output first. */
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
}

export interface BundleOptions {
  readonly minify: boolean;
}

/** What a folder of assets without code is served by. */
const ASSETS_ONLY = "export default { fetch: (request, env) => env.ASSETS.fetch(request) };";
/** What esbuild puts where it could not make a `require` static. */
const DYNAMIC_REQUIRE = "Dynamic require of";
const REQUIRE_BANNER = 'import { createRequire } from "node:module"; const require = createRequire("/");';

/** Bundles a function into one ES module. Throws BUILD_FAILED with esbuild's messages. */
export async function bundleFunction(
  source: FunctionSource,
  directory: string,
  options: BundleOptions,
): Promise<Bundle> {
  const first = await runBuild(source, directory, options, "");
  const support = nodeSupport(source.compatibilityDate, source.compatibilityFlags);
  if (!support.enabled || !new TextDecoder().decode(first.code).includes(DYNAMIC_REQUIRE)) return first;
  return runBuild(source, directory, options, REQUIRE_BANNER);
}

async function runBuild(
  source: FunctionSource,
  directory: string,
  options: BundleOptions,
  banner: string,
): Promise<Bundle> {
  const collected = new BuildRecord(source);
  const settings = buildOptions(source, directory, options, collected, banner);
  try {
    return await collected.toBundle(await build(settings));
  } catch (error) {
    throw await buildError(error, source);
  }
}

/** What the plugins notice during one build. */
export class BuildRecord {
  readonly #extraModules = new Map<string, ExtraModule>();
  readonly #absent = new Map<string, string>();
  readonly #source: FunctionSource;

  constructor(source: FunctionSource) {
    this.#source = source;
  }

  /** Forgets the build before, for builds that are repeated. */
  clear(): void {
    this.#extraModules.clear();
    this.#absent.clear();
  }

  addModule(module: ExtraModule): void {
    this.#extraModules.set(module.name, module);
  }

  addAbsent(name: string, importer: string): void {
    if (!this.#absent.has(name)) this.#absent.set(name, importer);
  }

  async toBundle(result: BuildResult): Promise<Bundle> {
    const output = result.outputFiles?.[0];
    if (output === undefined) throw new Error("esbuild wrote no output");
    const inputs = Object.values(result.metafile?.outputs ?? {})[0]?.inputs ?? {};
    return {
      code: new Uint8Array(output.contents),
      extraModules: [...this.#extraModules.values()],
      warnings: [...(await readable(result.warnings)), ...this.#absentWarnings()],
      parts: sumByPackage(inputs),
    };
  }

  #absentWarnings(): string[] {
    if (this.#absent.size === 0) return [];
    const names = [...this.#absent.keys()].map((name) => `node:${name}`).join(", ");
    const { compatibilityDate, compatibilityFlags } = this.#source;
    const support = nodeSupport(compatibilityDate, compatibilityFlags);
    const advice = support.enabled
      ? "a later compatibility_date has more of Node's modules"
      : 'add compatibility_flags = ["nodejs_compat"] to have Node\'s modules';
    return [
      `${names} ${this.#absent.size === 1 ? "does" : "do"} nothing at compatibility_date ${compatibilityDate}: ${advice}`,
    ];
  }
}

/** esbuild's settings for a function, shared by a single build and the watch mode. */
export function buildOptions(
  source: FunctionSource,
  directory: string,
  { minify }: BundleOptions,
  record: BuildRecord,
  banner: string,
): BuildOptions {
  const entry =
    source.main === undefined
      ? { stdin: { contents: ASSETS_ONLY, resolveDir: directory, sourcefile: "assets-only.js" } }
      : { entryPoints: [source.main] };
  return {
    ...entry,
    absWorkingDir: directory,
    outfile: join(directory, "dist", "worker.js"),
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    minify,
    keepNames: true,
    legalComments: "none",
    logLevel: "silent",
    banner: { js: banner },
    external: ["cloudflare:*", "workerd:*"],
    loader: { ".json": "json" },
    alias: { "@shared": join(directory, "shared"), ...source.alias },
    define: {
      "process.env.NODE_ENV": JSON.stringify(minify ? "production" : "development"),
      global: "globalThis",
      ...source.define,
    },
    plugins: [
      nodeModulesPlugin({
        support: nodeSupport(source.compatibilityDate, source.compatibilityFlags),
        onAbsent: (name, importer) => record.addAbsent(name, importer),
      }),
      extraModulesPlugin({ directory, rules: source.rules, onModule: (module) => record.addModule(module) }),
    ],
  };
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

export async function buildError(error: unknown, source: FunctionSource): Promise<unknown> {
  if (!isBuildFailure(error)) return error;
  const lines = await readable(error.errors);
  return new CliError(`${source.name} could not be bundled.\n${lines.join("\n")}`, {
    code: "BUILD_FAILED",
    ...adviceFor(error.errors),
    cause: error,
  });
}

function adviceFor(errors: readonly Message[]): { fix?: string } {
  const unresolved = errors
    .map(({ text }) => /^Could not resolve "([^"]+)"/.exec(text)?.[1])
    .filter((name) => name !== undefined);
  const packages = unresolved.filter(
    (name) => !name.startsWith(".") && !name.startsWith("/") && !builtinModules.includes(name),
  );
  if (packages.length === 0) return {};
  return { fix: `Install what is missing: npm install ${[...new Set(packages)].map(packageName).join(" ")}` };
}

function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

async function readable(messages: readonly Message[]): Promise<string[]> {
  // esbuild's further advice is about its own settings, which are not the reader's to change.
  const withoutAdvice = messages.map((message) => ({ ...message, notes: [] }));
  const formatted = await formatMessages(withoutAdvice, { kind: "error", color: false });
  return formatted.map((text) => text.trim().replace(/^[✘▲] \[(?:ERROR|WARNING)\] /u, ""));
}

/** `node_modules/hono/dist/x.js` counts for `hono`; own files count for themselves. */
function sumByPackage(inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>): Bundle["parts"] {
  const sums = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const inPackage = path.lastIndexOf("node_modules/");
    const name = inPackage === -1 ? path : packageName(path.slice(inPackage + "node_modules/".length));
    sums.set(name, (sums.get(name) ?? 0) + bytesInOutput);
  }
  return [...sums]
    .map(([name, bytes]) => ({ name, bytes }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
}
