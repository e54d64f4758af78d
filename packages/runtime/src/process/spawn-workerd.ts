import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { captureOutput } from "./captured-output.ts";

export interface SpawnOptions {
  readonly command: readonly string[];
  /** Made for this process, removed after it. */
  readonly directory: string;
  /** Binary configuration: travels over stdin, so that no secret in it ever touches the disk. */
  readonly config: Uint8Array;
  readonly sockets: ReadonlySet<string>;
  readonly startTimeoutMs: number;
  /** Takes what the process prints; null where that is of no use to anybody. Errors are captured in any case. */
  readonly onStreams: ((output: Readable, errors: Readable) => void) | null;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export interface SpawnedWorkerd {
  readonly pid: number;
  /** Resolves when every socket listens; rejects with StartFailure. */
  readonly listening: Promise<void>;
  readonly exited: Promise<ProcessExit>;
  readonly output: () => string;
  signal(signal: NodeJS.Signals): void;
}

/** The process ended, or hung, before it listened. */
export class StartFailure extends Error {
  readonly output: string;
  constructor(message: string, output: string) {
    super(message);
    this.name = "StartFailure";
    this.output = output;
  }
}

/** Name of the file by which a later server finds processes that a crashed one left. */
export const PID_FILE = "pid";
const CONTROL_FD = 3;
export const SERVE_ARGUMENTS = ["serve", "--experimental", "--binary", `--control-fd=${CONTROL_FD}`, "-"];
const MAX_OUTPUT_BYTES = 16 * 1024;

export function serveCommand(workerdPath: string): readonly string[] {
  return [workerdPath, ...SERVE_ARGUMENTS];
}

/** Starts workerd: no environment, its own process group, nothing to read but its configuration. */
export function spawnWorkerd(options: SpawnOptions): SpawnedWorkerd {
  const { directory } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const [file = "", ...args] = options.command;
  const child = spawn(file, args, {
    cwd: directory,
    env: {},
    // What functions with a tail worker print comes through that; the copy on stdout is dropped by the kernel.
    stdio: ["pipe", options.onStreams === null ? "ignore" : "pipe", "pipe", "pipe"],
    detached: true,
  });
  const [stdin, stdout, stderr, control] = child.stdio as unknown as [Writable, Readable | null, Readable, Readable];
  if (stdout !== null) options.onStreams?.(stdout, stderr);
  const output = captureOutput(stderr, MAX_OUTPUT_BYTES);
  if (child.pid !== undefined) writeFileSync(join(directory, PID_FILE), String(child.pid), { mode: 0o600 });
  // EPIPE when it ends before it has read: its exit tells why.
  stdin.on("error", () => {});
  stdin.end(options.config);

  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, output: error.message }));
    // "close" comes when all that it printed has been read.
    child.once("close", (code, signal) => resolve({ code, signal, output: output() }));
  }).finally(() => rm(directory, { recursive: true, force: true }).catch(() => {}));

  return {
    pid: child.pid ?? -1,
    listening: whenListening(child, control, exited, options),
    exited,
    output,
    signal(signal) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // ESRCH: it has just ended.
      }
    },
  };
}

function whenListening(
  child: ChildProcess,
  control: Readable,
  exited: Promise<ProcessExit>,
  options: SpawnOptions,
): Promise<void> {
  const missing = new Set(options.sockets);
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new StartFailure(`It did not listen within ${options.startTimeoutMs} ms.`, ""));
    }, options.startTimeoutMs);
    let rest = "";
    control.on("error", () => {});
    control.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) missing.delete(listeningSocket(line));
      if (missing.size > 0) return;
      clearTimeout(timer);
      resolve();
    });
    exited.then(
      ({ output, code, signal }) => {
        clearTimeout(timer);
        reject(new StartFailure(`It ended with ${signal ?? `code ${code}`} before it listened.`, output));
      },
      () => {},
    );
  });
  // Observed by whoever starts it; a process that is stopped while it starts must not raise an unhandled rejection.
  ready.catch(() => {});
  return ready;
}

/** Name of the socket that a control message announces; "" for any other message. */
function listeningSocket(line: string): string {
  try {
    const message = JSON.parse(line) as { event?: unknown; socket?: unknown };
    return message.event === "listen" && typeof message.socket === "string" ? message.socket : "";
  } catch {
    return "";
  }
}
