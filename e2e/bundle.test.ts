import { spawnSync } from "node:child_process";
import { existsSync, utimesSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { descendantsOf, isDataHost } from "./harness/process-tree.ts";
import { SERVER_MAIN, startServer } from "./harness/server-process.ts";

const BUNDLER = join(dirname(SERVER_MAIN), "bundle.mjs");
const A_SOURCE = fileURLToPath(new URL("../packages/server/src/start.ts", import.meta.url));

/** What a server that starts now would run. */
function entry(env: Readonly<Record<string, string>> = {}): string {
  const script = `import { serverEntry } from ${JSON.stringify(pathToFileURL(BUNDLER).href)}; console.log(serverEntry());`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  expect(stderr).toBe("");
  return stdout.trim();
}

test("the server and its data host run from one bundle, which is made again when a source was written", async () => {
  const before = entry();
  expect(entry()).toBe(before);
  utimesSync(A_SOURCE, new Date(), new Date(Date.now() - 1000));
  const after = entry();
  expect(dirname(after)).not.toBe(dirname(before));
  expect(entry()).toBe(after);
  // A server that runs from the older one may still load parts of it.
  expect(existsSync(before)).toBe(true);

  const server = await startServer();
  try {
    const dataHost = (await descendantsOf(server.pid)).find(isDataHost);
    expect(dataHost?.command.at(-1)).toBe(join(dirname(after), "datahost.main.mjs"));
  } finally {
    await server.dispose();
  }
});

test("packages that are loaded when they are needed are those that are installed, with all that they export", async () => {
  const sources = fileURLToPath(new URL("../packages/server/src", import.meta.url));
  const wanted = new Set<string>();
  for (const name of await readdir(sources, { recursive: true })) {
    if (!name.endsWith(".ts") || /test|testing/.test(name)) continue;
    const text = await readFile(join(sources, name), "utf8");
    for (const [, specifier = ""] of text.matchAll(/[^a-z] ?import\("([^".][^"]*)"\)/g)) wanted.add(specifier);
  }
  expect(wanted).toContain("nodemailer");
  const folder = dirname(entry());
  const modules = (await readdir(folder)).filter((name) => name.endsWith(".mjs"));
  const bundle = (await Promise.all(modules.map((name) => readFile(join(folder, name), "utf8")))).join("\n");
  expect([...wanted].filter((specifier) => !bundle.includes(`import("${specifier}")`))).toEqual([]);
});

test("it runs from its sources where that is asked for", () => {
  expect(entry({ AEROSTACK_UNBUNDLED: "1" })).toBe(A_SOURCE);
});
