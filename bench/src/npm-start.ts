import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { answerTo } from "./answer-to.ts";
import { waitUntil } from "./wait-until.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

export interface NpmStarted {
  readonly url: string;
  /** Of npm, whose descendants are all of the server. */
  readonly pid: number;
  /** From the order to start to the first answered request. */
  readonly readyMs: number;
  /** `performance.now()` of the order to start. */
  readonly startedAt: number;
  stop(): Promise<void>;
}

/** Starts the server as a user does, by `npm start`, and waits for its first answer. */
export async function npmStart(port: number, env: Readonly<Record<string, string>>): Promise<NpmStarted> {
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const child = spawn("npm", ["start"], {
    cwd: REPOSITORY,
    env: {
      // An install, where one is due, needs whatever the machine needs to reach its registry.
      ...process.env,
      // npm asks its registry now and then whether it is outdated.
      npm_config_update_notifier: "false",
      PORT: String(port),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("npm does not start.");
  // npm leads a process group of its own.
  const group = -pid;
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    process.kill(group, "SIGTERM");
    const timer = setTimeout(() => process.kill(group, "SIGKILL"), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error("It has ended.");
    return await answerTo({ url: `${url}/readyz`, timeoutMs: START_TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
  };
  try {
    await waitUntil("the server answers", answers, START_TIMEOUT_MS, POLL_MS);
  } catch (error) {
    await stop();
    throw new Error(`npm start does not lead to a server:\n${output}`, { cause: error });
  }
  return { url, pid, startedAt, readyMs: performance.now() - startedAt, stop };
}
