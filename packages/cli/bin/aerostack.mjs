#!/usr/bin/env node
// Starts the CLI on a Node that runs TypeScript itself (22.18 or newer). An older Node only looks for the one that the
// installation pins (registry package node-<platform>-<arch>) and hands over to it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_MAJOR = 22;
const OLDEST_MINOR = 18;

function runsTypeScript(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_MAJOR || (major === OLDEST_MAJOR && minor >= OLDEST_MINOR);
}

/** Later runs neither strip types nor compile. Derived data, beside the installed packages; Node does without it where it cannot write. */
async function keepCompiledCode() {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache(fileURLToPath(new URL("../../../node_modules/.cache/aerostack", import.meta.url)));
}

function findPinnedNode() {
  const executable = process.platform === "win32" ? "node.exe" : "node";
  const platform = process.platform === "win32" ? "win" : process.platform;
  const names = [`node-${platform}-${process.arch}`, `node-bin-${platform}-${process.arch}`];
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    for (const name of names) {
      const candidate = join(directory, "node_modules", name, "bin", executable);
      if (existsSync(candidate)) return candidate;
    }
    const parent = dirname(directory);
    if (parent === directory) return undefined;
    directory = parent;
  }
}

async function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both processes; this one waits for the other's own ending.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => child.kill("SIGHUP"));
  child.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
}

if (runsTypeScript(process.versions.node)) {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === "string" ? rest[0] : rest[0]?.type;
    if (type !== "ExperimentalWarning") emitWarning.call(process, warning, ...rest);
  };
  await keepCompiledCode();
  await import("../src/main.ts");
} else {
  const node = findPinnedNode();
  if (node === undefined) {
    process.stderr.write(
      `aerostack needs Node ${OLDEST_MAJOR}.${OLDEST_MINOR} or newer; this is ${process.versions.node}, and the Node that the ` +
        `installation brings (node-${process.platform}-${process.arch}) is not there.\n` +
        "Run `npm install` where aerostack is installed, without --omit=optional, or install a newer Node.\n",
    );
    process.exit(1);
  }
  await handOver(node);
}
