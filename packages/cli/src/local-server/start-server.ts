import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { CliError } from "../command/cli-error.ts";
import { findFreePort } from "./free-port.ts";
import { findServerFiles } from "./server-files.ts";

/** A first start creates keys and databases, on a slow disk too. */
const START_TIMEOUT_MS = 30_000;
/** What the server may take to end its requests; then it is ended. */
const STOP_TIMEOUT_MS = 35_000;
/** Lines of its own log kept for the case that it does not start. */
const KEPT_LOG_LINES = 20;

export interface StartServerOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly host?: string | undefined;
  readonly dataDirectory?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** A line that the server writes to standard output, and to its log. */
  readonly onLine?: (line: string, stream: "stdout" | "log") => void;
  /** How long the start may take; undefined waits as long as it takes. */
  readonly startTimeoutMs?: number;
}

export interface RunningServer {
  readonly url: string;
  /** Of the set-up link, until the first account exists. */
  readonly setupToken: string | undefined;
  readonly processId: number;
  /** Resolves with the exit code when the server has ended, for whatever reason. */
  readonly ended: Promise<number>;
  /** Lets it end its requests, then ends it. */
  stop(): Promise<void>;
}

/** Starts the server of this installation as a process and waits until it listens. */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { entry, node } = findServerFiles();
  // The server writes its address into what it deploys, so it has to know its port before it listens.
  const port = options.port === 0 ? await findFreePort(options.host ?? "127.0.0.1") : options.port;
  const child = spawn(node, [entry], {
    env: {
      ...options.env,
      PORT: String(port),
      ...(options.host === undefined ? {} : { HOST: options.host }),
      ...(options.dataDirectory === undefined ? {} : { AEROSTACK_DATA_DIR: options.dataDirectory }),
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: Ctrl-C reaches it once, through `stop`, and not from the terminal as well.
    detached: process.platform !== "win32",
  });
  // However this process ends, the server does not stay behind.
  const endWithThis = (): void => void child.kill("SIGTERM");
  process.once("exit", endWithThis);
  child.once("exit", () => process.removeListener("exit", endWithThis));
  const ended = once(child, "exit").then(([code]: (number | null)[]) => code ?? 1);
  const log: string[] = [];
  const banner = readBanner(child, log, options);
  const timeout = AbortSignal.timeout(options.startTimeoutMs ?? START_TIMEOUT_MS);
  const started = await Promise.race([
    banner,
    ended.then(() => undefined),
    once(timeout, "abort").then(() => undefined),
  ]);
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(force);
  };
  if (started === undefined) {
    await stop();
    throw new CliError(`The server did not start.\n${log.join("\n")}`.trimEnd(), {
      kind: "server",
      code: "SERVER_NOT_STARTED",
      fix: "Its own words are above; `aerostack start --verbose` shows its whole log.",
    });
  }
  return { ...started, processId: child.pid ?? 0, ended, stop };
}

/** Reads the lines that the server prints when it listens: the API's address, and the set-up link where there is one. */
function readBanner(
  child: ChildProcess & { readonly stdout: Readable | null; readonly stderr: Readable | null },
  log: string[],
  options: StartServerOptions,
): Promise<{ url: string; setupToken: string | undefined }> {
  return new Promise((resolve) => {
    let setupToken: string | undefined;
    eachLine(child.stdout, (line) => {
      options.onLine?.(line, "stdout");
      setupToken ??= /\/setup#token=(\S+)/.exec(line)?.[1];
      const url = /^\s*API\s+(https?:\/\/\S+)\/api\/v1\s*$/.exec(line)?.[1];
      if (url !== undefined) resolve({ url, setupToken });
    });
    eachLine(child.stderr, (line) => {
      options.onLine?.(line, "log");
      log.push(line);
      if (log.length > KEPT_LOG_LINES) log.shift();
    });
  });
}

function eachLine(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on("line", onLine);
}
