import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { answerTo } from "./answer-to.ts";
import { waitUntil } from "./wait-until.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 5;
/** Settings of the person's own server must not reach the one that is measured. */
const FOREIGN_SETTINGS = /^(?:AEROSTACK_|OTEL_|NODE_OPTIONS$|PORT$|HOST$)/;

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  /** Root of the process tree. */
  readonly pid: number;
  /** From the order to start to the first answered request. */
  readonly readyMs: number;
  /** `performance.now()` of the order to start. */
  readonly startedAt: number;
}

export interface StartCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** As a user starts the server. */
export const BY_NPM: StartCommand = { command: "npm", args: ["start"] };

/** What `npm start` comes down to, with its very arguments for Node, and `nodeArgs` before them. */
export function byNode(nodeArgs: readonly string[] = []): StartCommand {
  const { scripts } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    scripts: { start: string };
  };
  const [program, ...args] = scripts.start.split(" ");
  if (program !== "node") throw new Error(`'npm start' does not start with 'node' any more: ${scripts.start}`);
  return { command: process.execPath, args: [...nodeArgs, ...args] };
}

function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN_SETTINGS.test(name)));
}

/** Starts the server on a loopback port and waits for its first answer. */
export async function startServer(
  { command, args }: StartCommand,
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const child = spawn(command, args, {
    cwd: REPOSITORY,
    env: {
      ...ownEnvironment(),
      // npm asks its registry now and then whether it is outdated.
      npm_config_update_notifier: "false",
      PORT: String(port),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} does not start.`);
  // It leads a process group of its own.
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
    throw new Error(`There is no server after '${command} ${args.join(" ")}':\n${output}`, { cause: error });
  }
  return { url, pid, startedAt, readyMs: performance.now() - startedAt, [Symbol.asyncDispose]: stop };
}
