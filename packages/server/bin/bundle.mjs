// Puts the modules of the server's processes and threads together into a few files, again whenever a source has changed.
// Two thousand small modules cost a start more than everything else: each is looked up, read, checked and linked
// (ARCHITECTURE.md has the figures). Bundles are derived data; without them the server runs from its sources.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const packages = fileURLToPath(new URL("../..", import.meta.url));
const bundles = join(packages, "server", "dist");
const currentFile = join(bundles, "current.json");
/** A server that runs may still load parts of an older bundle. */
const KEPT_MS = 24 * 60 * 60 * 1000;

const SERVER = "server/src/start.ts";
/** What is started by its file: processes and threads. */
const ENTRIES = [
  SERVER,
  "server/src/kernel/crypto/hash-thread.ts",
  "server/src/kernel/sql/sqlite-thread.ts",
  "server/src/storage/images/image-child.ts",
  "datahost/src/main.ts",
  "datahost/src/sql/checkpoint-worker.ts",
  "datahost/src/children/sql-child.ts",
];
/** Native code, and what is found by its own place. */
const EXTERNAL = ["better-sqlite3-multiple-ciphers", "sharp", "workerd", "esbuild", "pg-native"];

/**
 * The file to start the server from: of the bundle of the present sources, which is made where there is none yet, or the
 * source itself where none can be made.
 */
export function serverEntry() {
  const source = join(packages, SERVER);
  if (process.env.AEROSTACK_UNBUNDLED === "1") return source;
  const current = readCurrent();
  if (current !== undefined) return join(bundles, current, outputOf(SERVER));
  // In a process of its own: the bundler takes hundreds of megabytes.
  const made = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], { encoding: "utf8" });
  if (made.status === 0) return made.stdout;
  process.stderr.write(`The server starts from its sources, which is slower:\n${made.stderr}\n`);
  return source;
}

/** The folder of the last bundle, where nothing that went into it has changed since. */
function readCurrent() {
  let current;
  try {
    current = JSON.parse(readFileSync(currentFile, "utf8"));
  } catch {
    return undefined;
  }
  const fresh =
    current.made === surroundings() &&
    existsSync(join(bundles, current.folder, outputOf(SERVER))) &&
    current.inputs.every(([path, state]) => stateOf(path) === state);
  return fresh ? current.folder : undefined;
}

/** What a bundle depends on besides its sources: what is installed, how it is made, and the place, which is written into it. */
function surroundings() {
  const installed = join(packages, "..", "node_modules", ".aerostack-installed");
  return [
    packages,
    process.version,
    existsSync(installed) ? readFileSync(installed, "utf8") : "",
    stateOf(fileURLToPath(import.meta.url)),
  ].join(" ");
}

function stateOf(path) {
  const stats = statSync(resolve(packages, path), { throwIfNoEntry: false });
  return stats === undefined ? "gone" : `${stats.mtimeMs}:${stats.size}`;
}

/** All in one folder, so that each finds the others beside it. */
function outputOf(entry) {
  return entry.replace("/src/", "/").replaceAll("/", ".").replace(/\.ts$/, ".mjs");
}

async function makeBundle() {
  const { build } = await import("esbuild");
  const folder = join(bundles, randomUUID());
  const made = surroundings();
  const startedAt = Date.now();
  mkdirSync(folder, { recursive: true });
  try {
    const { metafile } = await build({
      absWorkingDir: packages,
      entryPoints: ENTRIES.map((entry) => ({ in: entry, out: outputOf(entry).replace(/\.mjs$/, "") })),
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: `node${process.versions.node}`,
      external: EXTERNAL,
      // Installed in several places in one version.
      alias: { undici: dirname(createRequire(join(packages, SERVER)).resolve("undici/package.json")) },
      // Half the text to read and to keep in memory; the maps beside it say what a position was.
      minifyWhitespace: true,
      lineLimit: 200,
      sourcemap: "linked",
      sourcesContent: false,
      metafile: true,
      logLevel: "silent",
      // CommonJS packages ask for Node's modules by `require`.
      banner: {
        js: 'import { createRequire as bundledRequire } from "node:module"; const require = bundledRequire(import.meta.url);',
      },
      plugins: [placesPlugin, lazyPackagesPlugin],
    });
    const sources = Object.keys(metafile.inputs).filter((path) => !path.includes("node_modules/"));
    const inputs = sources.map((path) => [path, stateOf(path)]);
    // A source that was written meanwhile may have been read before or after.
    const quiet = inputs.every(([path]) => statSync(join(packages, path)).mtimeMs < startedAt);
    if (quiet) writeWhole(currentFile, JSON.stringify({ folder: relative(bundles, folder), made, inputs }));
    removeOld(folder);
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** A module that asks where it is gets its source's place; one that starts another by its file gets that one's bundle. */
const placesPlugin = {
  name: "places",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]packages[\\/][a-z]+[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes("import.meta.url")) return undefined;
      const contents = text.replaceAll(
        /new URL\("(\.[^"]+\.ts)", import\.meta\.url\)|import\.meta\.url/g,
        (_, started) => {
          if (started === undefined) return JSON.stringify(pathToFileURL(path).href);
          const entry = relative(packages, join(dirname(path), started))
            .split(sep)
            .join("/");
          if (!ENTRIES.includes(entry)) throw new Error(`${path} starts ${entry}, which is no entry of the bundle`);
          return `new URL(${JSON.stringify(`./${outputOf(entry)}`)}, import.meta.url)`;
        },
      );
      return { contents, loader: "ts" };
    });
  },
};

/**
 * A package that is loaded when it is needed stays as it is installed: it costs a start nothing, and of CommonJS the bundler
 * would keep the default export alone.
 */
const lazyPackagesPlugin = {
  name: "lazy packages",
  setup({ onResolve }) {
    onResolve({ filter: /^[@a-z]/ }, ({ path, kind, importer }) => {
      const isOwn = path.startsWith("@aerostack/") || importer.includes("node_modules");
      return kind === "dynamic-import" && !isOwn ? { path, external: true } : undefined;
    });
  },
};

function writeWhole(path, text) {
  const temporary = `${path}.${randomUUID()}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function removeOld(current) {
  for (const name of readdirSync(bundles)) {
    const path = join(bundles, name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (path !== current && path !== currentFile && Date.now() - mtimeMs > KEPT_MS) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

if (import.meta.main) {
  process.stdout.write(join(await makeBundle(), outputOf(SERVER)));
  process.exit(0);
}
