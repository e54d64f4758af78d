import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Bundle } from "../bundler/bundle-function.ts";
import type { FunctionSource } from "../config/project-config.ts";
import { temporaryFolder } from "./run-command.ts";

/** The runtime's own workerd, whichever version it pins. */
const fromRuntime = createRequire(new URL("../../../runtime/package.json", import.meta.url));
const { default: workerd } = (await import(fromRuntime.resolve("workerd"))) as { default: string };

const MODULE_FIELDS = {
  wasm: "wasm",
  text: "text",
  data: "data",
  json: "json",
  esm: "esModule",
  commonjs: "commonJsModule",
};

/** Starts a bundle in a real workerd and answers its address. Ends when `stop` is called. */
export async function startInWorkerd(
  bundle: Bundle,
  source: FunctionSource,
): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "modules"));
  writeFileSync(join(folder, "modules/worker.js"), bundle.code);
  const modules = ['(name = "worker.js", esModule = embed "modules/worker.js")'];
  for (const { name, type, content } of bundle.extraModules) {
    writeFileSync(join(folder, "modules", name), content);
    modules.push(`(name = "${name}", ${MODULE_FIELDS[type]} = embed "modules/${name}")`);
  }
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [${modules.join(", ")}],
    compatibilityDate = "${source.compatibilityDate}",
    compatibilityFlags = ${JSON.stringify(source.compatibilityFlags)},
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  );
  const child = spawn(workerd, ["serve", "--control-fd=3", join(folder, "config.capnp")], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const port = await listeningPort(child);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
    });
    child.stdio[3]?.on("data", (chunk: Buffer) => {
      const port = /"port":\s*(\d+)/.exec(chunk.toString("utf8"))?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once("exit", () => reject(new Error(`workerd did not start:\n${said}`)));
  });
}
