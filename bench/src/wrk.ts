import { spawnSync } from "node:child_process";
import { runProcess } from "./run-process.ts";
import { parseWrkOutput, type WrkReport } from "./wrk-output.ts";

/** What wrk is to ask for. */
export interface LoadTarget {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lua file, where requests carry a body. */
  readonly scriptPath?: string;
}

export const CONNECTIONS = 32;
const THREADS = 1;
/** wrk ends by itself; this is for the case that it does not. */
const GRACE_MS = 15_000;

/** The version line of the installed wrk, or null when there is none. */
export function wrkVersion(): string | null {
  const { stdout, error } = spawnSync("wrk", ["--version"], { encoding: "utf8" });
  return error === undefined ? (/^wrk (\S+)/.exec(stdout)?.[1] ?? "unknown") : null;
}

/**
 * Loads a loopback address for `seconds`.
 *
 * @throws when an answer is an error or a connection breaks: a fast refusal is no result
 */
export async function runWrk(target: LoadTarget, seconds: number): Promise<WrkReport> {
  const { hostname } = new URL(target.url);
  if (hostname !== "127.0.0.1") throw new Error(`Load stays on loopback: ${hostname} is refused.`);
  const headers = Object.entries(target.headers ?? {}).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const script = target.scriptPath === undefined ? [] : ["-s", target.scriptPath];
  const output = await runProcess(
    "wrk",
    [`-t${THREADS}`, `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", ...headers, ...script, target.url],
    seconds * 1000 + GRACE_MS,
  );
  const report = parseWrkOutput(output);
  if (report.errorAnswers > 0 || report.socketErrors > 0) {
    throw new Error(
      `${target.url}: of ${report.requests} requests ${report.errorAnswers} were refused, ${report.socketErrors} broke off`,
    );
  }
  return report;
}
