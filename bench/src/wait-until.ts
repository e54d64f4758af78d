import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 20;

/** Looks again and again until `holds` does. @throws after `timeoutMs`, naming what was waited for */
export async function waitUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs: number,
  pollMs = POLL_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}.`);
    await delay(pollMs);
  }
}
