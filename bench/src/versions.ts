import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";
import { requireAsServer } from "./server-package.ts";
import { wrkVersion } from "./wrk.ts";

const requireHere = createRequire(import.meta.url);
const requireAsRuntime = createRequire(new URL("../../packages/runtime/package.json", import.meta.url));

function versionOf(resolver: NodeJS.Require, name: string): string {
  return (resolver(`${name}/package.json`) as { version: string }).version;
}

/** Versions of everything whose speed is in the figures. */
export function readVersions(): Readonly<Record<string, string>> {
  const requireAsMiniflare = createRequire(requireHere.resolve("miniflare"));
  const Database = requireAsServer<typeof BetterSqlite3>("better-sqlite3-multiple-ciphers");
  const memory = new Database(":memory:");
  const sqlite = String(memory.prepare("SELECT sqlite_version()").pluck().get());
  memory.close();
  return {
    node: process.versions.node,
    workerd: versionOf(requireAsRuntime, "workerd"),
    miniflare: versionOf(requireHere, "miniflare"),
    "miniflare's workerd": versionOf(requireAsMiniflare, "workerd"),
    sqlite,
    "better-sqlite3-multiple-ciphers": versionOf(requireHere, "better-sqlite3-multiple-ciphers"),
    wrk: wrkVersion() ?? "missing",
  };
}
