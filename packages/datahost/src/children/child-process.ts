import { type ChildProcess, spawn } from "node:child_process";
import { setPriority } from "node:os";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { AerostackError } from "@aerostack/contracts/errors";
import type { HostLimits } from "../limits.ts";
import type { ChildAnswer, ChildRequest, ChildSettings } from "./child-protocol.ts";
import { createFrameReader, writeFrame } from "./frames.ts";
import type { ProcessLedger } from "./process-ledger.ts";

/** The process ended while it worked, by itself or by the system. */
export class ChildCrashed extends Error {
  constructor(description: string) {
    super(`the SQL process ended: ${description}`);
    this.name = "ChildCrashed";
  }
}

/** A process that runs one request at a time. */
export interface SqlProcess {
  readonly pid: number | undefined;
  /**
   * @throws AerostackError as the request fails; DB_QUERY_TIMEOUT after `timeoutMs`, when the process is killed, its start not
   * counted; ChildCrashed.
   */
  run(request: ChildRequest, timeoutMs: number): Promise<{ answer: ChildAnswer; body: Buffer }>;
  /** Ends it at once, whatever it does. */
  kill(): void;
  /** Lets it end by itself. */
  stop(): void;
  /** Whether it takes requests. */
  readonly isAlive: boolean;
}

export interface SqlProcessOptions {
  readonly role: ChildSettings["role"];
  readonly limits: HostLimits;
  readonly ledger: ProcessLedger;
  readonly onExit: () => void;
  readonly onDefect: (description: string) => void;
}

export const SQL_PROCESS_ENTRY = fileURLToPath(new URL("./sql-child.ts", import.meta.url));
const HOST_DESCRIPTOR = 3;
/**
 * A statement that has run for a while goes on below everything that answers requests: measured with two endless queries on a
 * machine of two cores, others keep their idle p99. Short statements are not slowed down, nor is a start that is quick.
 */
const LONG_RUN_MS = 100;
const LONG_RUN_NICENESS = 10;
/** A process that does not take requests by then does not start at all. It takes 0.1 s, and longer on a busy machine. */
const START_TIMEOUT_MS = 15_000;
/**
 * What V8 and Node take of the data limit before any work: V8 reserves half a gigabyte for code, which Linux counts.
 */
const RUNTIME_DATA_BYTES = 640 * 1024 * 1024;

export function startSqlProcess({ role, limits, ledger, onExit, onDefect }: SqlProcessOptions): SqlProcess {
  const child = spawnLimited(limits.childMemoryBytes);
  const stream = child.stdio[HOST_DESCRIPTOR] as Duplex;
  let waiting:
    | { resolve: (value: { answer: ChildAnswer; body: Buffer }) => void; reject: (error: unknown) => void }
    | undefined;
  let timer: NodeJS.Timeout | undefined;
  let longRunTimer: NodeJS.Timeout | undefined;
  let alive = true;
  let isReady = false;
  /** Starts the time of a request that was made before. */
  let onReady: (() => void) | undefined;
  /** It was killed, and is about to be gone. */
  let doomed = false;

  let isLowered = false;
  if (child.pid !== undefined) ledger.add(child.pid);

  function setNiceness(niceness: number): void {
    try {
      if (child.pid !== undefined && alive) setPriority(child.pid, niceness);
      isLowered = niceness > 0;
    } catch {
      // Only a privileged user may raise it again: then it stays where it is.
    }
  }

  function settle(): typeof waiting {
    const waiter = waiting;
    waiting = undefined;
    clearTimeout(timer);
    clearTimeout(longRunTimer);
    if (isLowered) setNiceness(0);
    return waiter;
  }

  writeFrame(stream, {
    role,
    hostPid: process.pid,
    maxResultBytes: limits.maxResultBytes,
    maxResultRows: limits.maxResultRows,
    maxSqlBytes: limits.maxSqlBytes,
    maxParameters: limits.maxParameters,
    maxValueBytes: limits.maxValueBytes,
    maxDatabaseBytes: limits.maxDatabaseBytes,
    maxSchemaObjects: limits.maxSchemaObjects,
    maxSchemaBytes: limits.maxSchemaBytes,
  } satisfies ChildSettings);

  stream.on(
    "data",
    createFrameReader<ChildAnswer>(({ head, body }) => {
      if (!isReady) {
        isReady = true;
        onReady?.();
        return;
      }
      const waiter = settle();
      if (head.defect !== undefined) onDefect(head.defect);
      if (head.error === undefined) waiter?.resolve({ answer: head, body });
      else waiter?.reject(AerostackError.fromSerialised(head.error));
    }),
  );
  stream.on("error", () => {});
  child.on("error", (error) => end(error.message));
  child.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));

  function end(description: string): void {
    if (!alive) return;
    alive = false;
    if (child.pid !== undefined) ledger.remove(child.pid);
    stream.destroy();
    settle()?.reject(new ChildCrashed(description));
    onExit();
  }

  return {
    pid: child.pid,
    run(request, timeoutMs) {
      if (!alive || doomed) return Promise.reject(new ChildCrashed("before the request"));
      return new Promise((resolve, reject) => {
        const killAfter = (limitMs: number, reason: () => Error) => {
          timer = setTimeout(() => {
            waiting = undefined;
            doomed = true;
            child.kill("SIGKILL");
            // Not before it is gone: until then it holds its locks, and what it wrote may still be committed.
            if (alive) child.once("exit", () => reject(reason()));
            else reject(reason());
          }, limitMs);
        };
        const begin = () => {
          clearTimeout(timer);
          killAfter(timeoutMs, () => timedOutAfter(timeoutMs));
        };
        waiting = { resolve, reject };
        longRunTimer = setTimeout(() => setNiceness(LONG_RUN_NICENESS), LONG_RUN_MS);
        if (isReady) begin();
        else {
          killAfter(START_TIMEOUT_MS, () => new ChildCrashed("it did not start"));
          onReady = begin;
        }
        writeFrame(stream, request);
      });
    },
    kill() {
      doomed = true;
      child.kill("SIGKILL");
    },
    stop() {
      stream.end();
    },
    get isAlive() {
      return alive && !doomed;
    },
  };
}

/** With a limit on its memory where the system has one: a statement that takes more fails by itself (SQLITE_NOMEM). */
function spawnLimited(memoryBytes: number): ChildProcess {
  const args = [...process.execArgv.filter((argument) => !argument.startsWith("--inspect")), SQL_PROCESS_ENTRY];
  const options = { stdio: ["ignore", "inherit", "inherit", "pipe"] as ["ignore", "inherit", "inherit", "pipe"] };
  if (process.platform !== "linux") return spawn(process.execPath, args, options);
  const limitKib = Math.ceil((RUNTIME_DATA_BYTES + memoryBytes) / 1024);
  const script = `ulimit -d ${limitKib} 2>/dev/null; ulimit -c 0 2>/dev/null; exec "$0" "$@"`;
  return spawn("/bin/sh", ["-c", script, process.execPath, ...args], options);
}

function timedOutAfter(timeoutMs: number): AerostackError {
  return new AerostackError("DB_QUERY_TIMEOUT", {
    message: `The SQL statement ran longer than ${timeoutMs / 1_000} s and was stopped.`,
    details: { timeoutMs },
  });
}
