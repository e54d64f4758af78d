import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, extname, matchesGlob, relative } from "node:path";
import type { Plugin } from "esbuild";
import type { ExtraModuleType, FunctionSource } from "../config/project-config.ts";

export interface ExtraModule {
  /** Name of its part in the deployment, which the bundle imports as `./<name>`. */
  readonly name: string;
  readonly type: ExtraModuleType;
  readonly content: Uint8Array<ArrayBuffer>;
}

const TYPE_BY_ENDING: Readonly<Record<string, ExtraModuleType>> = {
  ".wasm": "wasm",
  ".txt": "text",
  ".html": "text",
  ".sql": "text",
  ".bin": "data",
};

/** The ending by which the server knows a type again, for files that a rule gives it. */
const ENDING_BY_TYPE: Readonly<Record<ExtraModuleType, string>> = {
  wasm: ".wasm",
  text: ".txt",
  data: ".bin",
  json: ".json",
  esm: ".mjs",
  commonjs: ".cjs",
};

const HASH_CHARACTERS = 8;

export interface ExtraModulesPluginOptions {
  readonly directory: string;
  readonly rules: FunctionSource["rules"];
  readonly onModule: (module: ExtraModule) => void;
}

/** Leaves files that are not code out of the bundle and imports them beside it, under names that tell their content. */
export function extraModulesPlugin({ directory, rules, onModule }: ExtraModulesPluginOptions): Plugin {
  function typeOf(file: string): ExtraModuleType | undefined {
    const path = relative(directory, file);
    const rule = rules.find(({ globs }) =>
      globs.some((glob) => matchesGlob(path, glob) || matchesGlob(basename(file), glob)),
    );
    // Code is bundled whatever a rule says.
    if (rule?.type === "esm" || rule?.type === "commonjs") return undefined;
    return rule?.type ?? TYPE_BY_ENDING[extname(file)];
  }

  return {
    name: "extra-modules",
    setup(build) {
      build.onResolve(
        { filter: /\.[a-z0-9]+(?:\?module)?$/i },
        async ({ path, importer, resolveDir, kind, pluginData }) => {
          if (pluginData === "extra-modules" || kind === "entry-point") return undefined;
          const specifier = path.replace(/\?module$/, "");
          const mayMatch = TYPE_BY_ENDING[extname(specifier)] !== undefined || rules.length > 0;
          if (!mayMatch) return undefined;
          const resolved = await build.resolve(specifier, { importer, resolveDir, kind, pluginData: "extra-modules" });
          if (resolved.errors.length > 0 || resolved.external) return undefined;
          const type = typeOf(resolved.path);
          if (type === undefined) return undefined;
          const content = new Uint8Array(await readFile(resolved.path));
          const hash = createHash("sha256").update(content).digest("hex").slice(0, HASH_CHARACTERS);
          const known = TYPE_BY_ENDING[extname(resolved.path)] === type;
          const safe = basename(resolved.path).replaceAll(/[^A-Za-z0-9._-]/g, "_");
          const name = `${hash}-${safe}${known ? "" : ENDING_BY_TYPE[type]}`;
          onModule({ name, type, content });
          return { path: `./${name}`, external: true, watchFiles: [resolved.path] };
        },
      );
    },
  };
}
