import { expect } from "vitest";
import { type ProbeTarget, percentile, probeWhile } from "./latency.ts";

/**
 * A neighbour's p99 may double; besides, on a machine whose two cores the attack, the server and the other tests share, it
 * may always rise by this much.
 */
const P99_FLOOR_MS = 100;
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
  expect(p99Ms).toBeLessThan(2 * idleP99Ms + P99_FLOOR_MS);
  return result;
}
