import { setTimeout as delay } from "node:timers/promises";

const DEFAULT_TIMEOUT_MS = 10_000;
const POLL_MS = 25;

/**
 * Asks again and again until `look` gives something, and gives it back. What `look` throws counts as "not yet" and is the
 * cause of the error at the deadline.
 *
 * @param look undefined or false while the condition does not hold
 */
export async function pollUntil<Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
    await delay(POLL_MS);
  }
}
