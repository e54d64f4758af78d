import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deployConfigSchema } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import { CliError } from "../command/cli-error.ts";
import type { FunctionSource } from "../config/project-config.ts";
import { temporaryFolder } from "../testing/run-command.ts";
import { startInWorkerd } from "../testing/workerd.ts";
import { createAssetFilter } from "./asset-ignore.ts";
import { type Bundle, bundleFunction } from "./bundle-function.ts";
import { collectAssets } from "./collect-assets.ts";
import { describeSize, measureBundle } from "./size-report.ts";

interface Project {
  readonly directory: string;
  readonly source: FunctionSource;
}

function write(directory: string, files: Record<string, string | Uint8Array>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

function project(files: Record<string, string | Uint8Array>, overrides: Partial<FunctionSource> = {}): Project {
  const directory = temporaryFolder();
  write(directory, files);
  const source: FunctionSource = {
    name: "app",
    main: join(directory, "src/index.ts"),
    public: undefined,
    compatibilityDate: "2026-11-01",
    compatibilityFlags: ["nodejs_compat"],
    assetsDirectory: undefined,
    define: {},
    alias: {},
    rules: [],
    config: deployConfigSchema.parse({}),
    ...overrides,
  };
  return { directory, source };
}

const bundle = ({ source, directory }: Project, minify = true): Promise<Bundle> =>
  bundleFunction(source, directory, { minify });
const codeOf = ({ code }: Bundle): string => new TextDecoder().decode(code);

/** Bundles, starts the bundle in a real workerd, and answers what it answers. */
async function answer(given: Project): Promise<string> {
  const built = await bundle(given);
  const worker = await startInWorkerd(built, given.source);
  try {
    return await (await fetch(worker.url)).text();
  } finally {
    await worker.stop();
  }
}

const respond = (expression: string): string =>
  `export default { fetch: async () => new Response(String(${expression})) };`;

/** `(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))` */
const ADD_WASM = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1,
  7, 0, 32, 0, 32, 1, 106, 11,
]);

describe("a bundle in workerd", () => {
  it("has Node's modules under their bare names and under node:", async () => {
    const given = project({
      "src/index.ts": `import { join } from "path"; import { createHash } from "node:crypto"; import EventEmitter from "events";
        ${respond('[join("a", "b"), createHash("md5").update("x").digest("hex").length, typeof EventEmitter].join()')}`,
    });
    expect(await answer(given)).toBe("a/b,32,function");
  });

  it("runs a CommonJS package that requires Node's modules", async () => {
    const given = project({
      "src/index.ts": `import legacy from "legacy"; ${respond("legacy.run()")}`,
      "node_modules/legacy/package.json": '{"name":"legacy","main":"index.js"}',
      "node_modules/legacy/index.js":
        'const { join } = require("path"); const events = require("events"); exports.run = () => join("x", typeof new events.EventEmitter().on);',
    });
    expect(await answer(given)).toBe("x/function");
  });

  it("has require() where a package chooses a module only when it runs", async () => {
    const given = project({
      "src/index.ts": `import legacy from "legacy"; ${respond("legacy.run()")}`,
      "node_modules/legacy/package.json": '{"name":"legacy","main":"index.js"}',
      "node_modules/legacy/index.js":
        'exports.run = () => { const name = ["node", "path"].join(":"); return require(name).join("a", "b"); };',
    });
    expect(codeOf(await bundle(given))).toContain("createRequire");
    expect(await answer(given)).toBe("a/b");
  });

  it("imports WebAssembly, text and data that lie beside it", async () => {
    const given = project({
      "src/index.ts": `import add from "./add.wasm?module"; import page from "./page.html"; import sql from "./q.sql"; import bytes from "./b.bin"; import json from "./j.json";
        ${respond("[new WebAssembly.Instance(add).exports.add(2, 3), page, sql, bytes.byteLength, json.a].join()")}`,
      "src/add.wasm": ADD_WASM,
      "src/page.html": "<p>",
      "src/q.sql": "SELECT 1",
      "src/b.bin": new Uint8Array(7),
      "src/j.json": '{"a":"inlined"}',
    });
    const built = await bundle(given);
    expect(built.extraModules.map(({ name, type }) => `${name.replace(/^[0-9a-f]{8}-/, "")} ${type}`).sort()).toEqual([
      "add.wasm wasm",
      "b.bin data",
      "page.html text",
      "q.sql text",
    ]);
    expect(await answer(given)).toBe("5,<p>,SELECT 1,7,inlined");
  });

  it("starts at an old date although packages ask for modules that the runtime does not have then", async () => {
    const given = project(
      {
        "src/index.ts": `import os, { platform } from "os"; import fs from "node:fs"; import * as tty from "tty"; class A extends fs.ReadStream {}
          ${respond("[typeof platform(), typeof fs.promises.readFile(), tty.isatty(1), new A() instanceof A, os.EOL === null].join()")}`,
      },
      { compatibilityDate: "2024-11-01" },
    );
    const { warnings } = await bundle(given);
    expect(warnings).toEqual([
      "node:os, node:fs, node:tty do nothing at compatibility_date 2024-11-01: a later compatibility_date has more of Node's modules",
    ]);
    expect(await answer(given)).toBe("undefined,undefined,,false,false");
  });

  it("serves a folder of assets without code", async () => {
    const built = await bundle(project({}, { main: undefined, compatibilityFlags: [] }));
    expect(codeOf(built)).toContain("ASSETS.fetch");
  });
});

describe("bundling", () => {
  it("resolves @shared, aliases and defines", async () => {
    const given = project(
      {
        "src/index.ts":
          'import { a } from "@shared/a"; import { b } from "other"; export default { fetch: () => new Response(a + b + MODE) };',
        "shared/a.ts": 'export const a = "from shared";',
        "src/b.ts": 'export const b = "from alias";',
      },
      { alias: { other: "./src/b.ts" }, define: { MODE: '"defined"' } },
    );
    const code = codeOf(await bundle(given, false));
    expect(code).toContain("from shared");
    expect(code).toContain("from alias");
    expect(code).toContain('"defined"');
  });

  it("reads files that a rule names as the rule says, under an ending that tells their type", async () => {
    const given = project(
      {
        "src/index.ts": 'import text from "./note.md"; export default { fetch: () => new Response(text) };',
        "src/note.md": "# Hi",
      },
      { rules: [{ type: "text", globs: ["**/*.md"] }] },
    );
    const { extraModules } = await bundle(given);
    expect(extraModules.map(({ name }) => name.replace(/^[0-9a-f]{8}-/, ""))).toEqual(["note.md.txt"]);
  });

  it("adds no require() to a bundle that needs none, and keeps cloudflare:* for the runtime", async () => {
    const given = project({
      "src/index.ts":
        'import { DurableObject } from "cloudflare:workers"; export class A extends DurableObject {} export default {};',
    });
    const code = codeOf(await bundle(given));
    expect(code).not.toContain("createRequire");
    expect(code).toContain('from"cloudflare:workers"');
  });

  it("says which package is missing and how to install it", async () => {
    const given = project({
      "src/index.ts": 'import { x } from "@scope/pkg/deep"; import y from "left-pad"; export default { x, y };',
    });
    const error = await bundle(given).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CliError);
    expect(error).toMatchObject({
      code: "BUILD_FAILED",
      fix: "Install what is missing: npm install @scope/pkg left-pad",
    });
    expect((error as CliError).message).toContain("src/index.ts:1:");
  });

  it("says which flag Node's modules need", async () => {
    const given = project(
      { "src/index.ts": 'import "node:path"; export default {};' },
      { compatibilityDate: "2024-01-01", compatibilityFlags: [] },
    );
    const error = await bundle(given).catch((thrown: unknown) => thrown);
    expect((error as CliError).message).toContain('Add compatibility_flags = ["nodejs_compat"]');
  });

  it("reports what the code is made of", async () => {
    const given = project({
      "src/index.ts": 'import big from "big"; export default { big };',
      "node_modules/big/package.json": '{"name":"big","main":"index.js"}',
      "node_modules/big/index.js": `module.exports = "${"x".repeat(5000)}";`,
    });
    const size = measureBundle(await bundle(given), []);
    expect(size.parts[0]?.name).toBe("big");
    expect(describeSize(size)).toMatch(/^5\.\d KiB, gzip \d+ B$/);
  });
});

describe("assets", () => {
  it("are all files but those that are named, hidden secrets and links", async () => {
    const directory = temporaryFolder();
    write(directory, {
      "index.html": "",
      "img/logo.svg": "",
      "drafts/one.md": "",
      "notes.txt": "",
      "keep/notes.txt": "",
      ".env.local": "SECRET=1",
      ".dev.vars": "SECRET=1",
      "node_modules/x/index.js": "",
      ".well-known/security.txt": "",
      _headers: "",
      ".assetsignore": "# no drafts\n/drafts/\n*.txt\n!keep/notes.txt\n!.well-known/security.txt\n",
    });
    symlinkSync("/etc/hosts", join(directory, "hosts.html"));
    const assets = await collectAssets(directory);
    expect(assets.map(({ path }) => path)).toEqual([
      ".well-known/security.txt",
      "_headers",
      "img/logo.svg",
      "index.html",
      "keep/notes.txt",
    ]);
  });

  it("are left out by the rules of .gitignore", () => {
    const isIgnored = createAssetFilter("build\n/top\n*.map\nsrc/**/test\n!important.map\n");
    const ignored = ["build", "a/build/x", "top/x", "a.map", "a/b.map", "src/x/y/test/z"];
    const kept = ["builds", "a/top", "important.map", "src/testing"];
    expect(ignored.map(isIgnored)).toEqual(ignored.map(() => true));
    expect(kept.map(isIgnored)).toEqual(kept.map(() => false));
  });

  it("that no server takes are refused with what to do", async () => {
    const directory = temporaryFolder();
    write(directory, { "video.mp4": new Uint8Array(25 * 1024 * 1024 + 1) });
    await expect(collectAssets(directory)).rejects.toThrow("larger than 25 MiB");
  });
});
