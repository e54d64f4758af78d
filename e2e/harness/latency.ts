import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROBE = fileURLToPath(new URL("./latency-probe.ts", import.meta.url));

/** The value below which `share` (0 to 1) of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new Error("no samples");
  return value;
}

export interface ProbeResult {
  readonly samplesMs: readonly number[];
  /** Calls that did not end as they should, with what came instead. */
  readonly failures: readonly string[];
}

export interface ProbeTarget {
  readonly url: string;
  /** How the body of every answer begins. */
  readonly expectedBody: string;
}

/** Calls an address from a process of its own until `until` settles, at least `least` times. */
export async function probeWhile(target: ProbeTarget, until: Promise<unknown>, least: number): Promise<ProbeResult> {
  const probe = fork(PROBE, [target.url, target.expectedBody, String(least)]);
  const result = new Promise<ProbeResult>((resolve, reject) => {
    probe.once("message", (message) => resolve(message as ProbeResult));
    probe.once("exit", (code) => reject(new Error(`the probe ended with ${code}`)));
  });
  const end = (): void => void probe.send("stop");
  until.then(end, end);
  return await result;
}

/** Calls `work` one after another until `until` settles, at least `least` times. */
export async function repeatWhile(work: () => Promise<void>, until: Promise<unknown>, least: number): Promise<void> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  until.then(end, end);
  for (let count = 0; !over || count < least; count++) await work();
}
