import { spawnSync } from "node:child_process";

/** What Node takes to start and end, doing nothing, on a machine for which limits of time in tests are meant. */
const GOOD_BARE_START_MS = 50;
const BARE_STARTS = 5;

/**
 * How many times slower than a good machine this one is at the moment, at least 1: limits of time that are about the
 * machine, not about the product, are multiplied by it. Measured by bare starts of Node, which are made of what slow and
 * busy machines are slow at: system calls, page faults, a turn on the processor.
 */
export function machineFactor(): number {
  const times = Array.from({ length: BARE_STARTS }, () => {
    const startedAt = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    return performance.now() - startedAt;
  });
  return Math.max(1, Math.min(...times) / GOOD_BARE_START_MS);
}
