import { spawn } from "node:child_process";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { findWorkerd } from "../../../packages/runtime/src/process/workerd-binary.ts";
import { answerTo } from "../answer-to.ts";
import { COMPATIBILITY_DATE, WORKER_PATH } from "../workload/worker-source.ts";

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "fn", worker = (
    modules = [(name = "worker.js", esModule = embed "worker.js")],
    compatibilityDate = "${COMPATIBILITY_DATE}",
  ))],
  sockets = [(name = "fn", address = "unix:fn.sock", http = (), service = "fn")],
);
`;
const START_TIMEOUT_MS = 15_000;

/** Resolves when workerd has said on its control pipe that it listens. */
async function untilListening(control: Readable): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("workerd did not listen.")), START_TIMEOUT_MS);
    control.once("data", () => {
      clearTimeout(timer);
      resolve();
    });
    control.once("close", () => {
      clearTimeout(timer);
      reject(new Error("workerd ended before it listened."));
    });
  });
}

/**
 * Starts workerd on its own, with nothing but the function, and asks it once.
 *
 * @returns milliseconds from the order to start to the end of the first answer
 */
export async function timeBareWorkerd(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true });
  await Promise.all([
    writeFile(join(directory, "config.capnp"), CONFIG),
    copyFile(WORKER_PATH, join(directory, "worker.js")),
    rm(join(directory, "fn.sock"), { force: true }),
  ]);
  const workerd = findWorkerd();
  const startedAt = performance.now();
  const child = spawn(workerd, ["serve", "--experimental", "--control-fd=3", "config.capnp"], {
    cwd: directory,
    env: {},
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  try {
    await untilListening(child.stdio[3] as Readable);
    await answerTo({ url: "http://function/hello", socketPath: join(directory, "fn.sock") });
    return performance.now() - startedAt;
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}
