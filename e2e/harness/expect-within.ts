import { expect } from "vitest";
import { machineFactor } from "./machine-speed.ts";

/**
 * Expects that something took less than a limit that is meant for a good machine; a slower one is given more in proportion.
 * How slow it is is asked only where that decides, since asking takes up to a second.
 */
export function expectWithin(tookMs: number, limitMs: number, message?: string): void {
  if (tookMs >= limitMs) expect(tookMs, message).toBeLessThan(limitMs * machineFactor());
}
