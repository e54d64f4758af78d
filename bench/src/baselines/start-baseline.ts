import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Baseline extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5000;

/**
 * Starts one of the baselines as a process of its own, with the Node that the server runs on, and waits until it has said
 * where it answers.
 *
 * @param file its name in this folder
 */
export async function startBaseline(file: string, args: readonly string[]): Promise<Baseline> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${file} did not start within ${START_TIMEOUT_MS} ms.`));
    }, START_TIMEOUT_MS);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end === -1) return;
      clearTimeout(timer);
      resolve((JSON.parse(text.slice(0, end)) as { url: string }).url);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`${file} ended at start with code ${code}.`));
    });
  });
  return {
    url,
    pid: child.pid ?? -1,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
