import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The file that a server process runs. */
export const SERVER_MAIN = fileURLToPath(new URL("../../packages/server/bin/server.mjs", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/** For tests that send more requests from one address than a stranger may. */
export const UNLIMITED: Readonly<Record<string, string>> = {
  AEROSTACK_LIMIT_ANONYMOUS_PER_MINUTE: "0",
  AEROSTACK_LIMIT_PROJECT_PER_MINUTE: "0",
  AEROSTACK_LIMIT_ANONYMOUS_CALLS_PER_MINUTE: "0",
  AEROSTACK_LIMIT_CALLS_PER_MINUTE: "0",
};

export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly pid: number;
  /** What it printed so far, logs included. */
  output(): string;
  /** What it printed for people. */
  standardOutput(): string;
  /** The token of the set-up link that it printed, or null when there is an admin already. */
  setupToken(): string | null;
  /** SIGTERM, then waits for the end; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>;
  /** Stops and removes its data. */
  dispose(): Promise<void>;
}

export interface ServerProcessOptions {
  /** Data of an earlier process; a fresh folder otherwise. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A loopback port that nobody listens on. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

async function waitUntilReady(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended at start:\n${output()}`);
    const ready = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    await delay(POLL_MS);
  }
  throw new Error(`the server was not ready after ${START_TIMEOUT_MS} ms:\n${output()}`);
}

/** Starts the real server as a process of its own, on a free loopback port, and waits until it is ready. */
export async function startServer(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "aerostack-e2e-")));
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [SERVER_MAIN], {
    env: {
      PATH: process.env.PATH ?? "",
      PORT: String(port),
      AEROSTACK_DATA_DIR: dataDir,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  let standardOutput = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    standardOutput += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  // A test that fails before it disposes of its server leaves none behind.
  const killChild = (): void => void child.kill("SIGKILL");
  process.once("exit", killChild);
  child.once("exit", () => process.off("exit", killChild));
  const output = () => text;
  await waitUntilReady(url, child, output);

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    try {
      return await exited;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    url,
    port,
    dataDir,
    pid: child.pid ?? -1,
    output,
    standardOutput: () => standardOutput,
    setupToken: () => /setup[#?]token=([\w-]+)/.exec(text)?.[1] ?? null,
    stop: () => end("SIGTERM"),
    async kill() {
      await end("SIGKILL");
    },
    async dispose() {
      await end("SIGTERM");
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
