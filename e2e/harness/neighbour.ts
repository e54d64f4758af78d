import { expect } from "vitest";
import { type ProbeTarget, percentile, probeWhile } from "./latency.ts";
import { machineFactor } from "./machine-speed.ts";

/**
 * A neighbour's p99 may double. A quiet machine of two cores answers in a millisecond or two, so it may also rise by this
 * much (on a good machine): the attack, the server, the neighbour and the probe share the two. Measured on one that was
 * four times slower and busy with eight other things: 0 to 60 ms, and 160 ms beside a flood of log lines.
 */
const P99_RISE_MS = 50;
const IDLE_CALLS = 200;
/** Fewer, and the p99 is nothing but the slowest call. */
const LEAST_CALLS = 300;

/**
 * Runs an attack while a neighbour is called all the time: every call must be answered, and their p99 is held against what
 * it was just before.
 */
export async function besideNeighbour<Result>(
  what: string,
  neighbour: ProbeTarget,
  attack: () => Promise<Result>,
): Promise<Result> {
  const idle = await probeWhile(neighbour, Promise.resolve(), IDLE_CALLS);
  const idleP99Ms = percentile(idle.samplesMs, 0.99);
  const running = attack();
  const { samplesMs, failures } = await probeWhile(neighbour, running, LEAST_CALLS);
  const result = await running;
  const p99Ms = percentile(samplesMs, 0.99);
  console.info(
    `${what}: neighbour's p99 ${p99Ms.toFixed(1)} ms over ${samplesMs.length} calls, idle ${idleP99Ms.toFixed(1)} ms`,
  );
  expect(failures).toEqual([]);
  // How slow the machine is is asked only where it matters: asking takes a second on a slow one.
  if (p99Ms >= 2 * idleP99Ms) expect(p99Ms).toBeLessThan(idleP99Ms + P99_RISE_MS * machineFactor());
  return result;
}
