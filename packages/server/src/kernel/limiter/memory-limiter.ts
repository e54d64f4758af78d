import type { Clock } from "@aerostack/kernel";
import { decide, type LimitDecision, type Limiter, type LimitPolicy, SLOTS_PER_WINDOW } from "./limiter.ts";

interface Window {
  readonly counts: Float64Array;
  /** Number of the newest slot, counted from the epoch. */
  slot: number;
  readonly slotMs: number;
}

export interface MemoryLimiterOptions {
  readonly clock: Clock;
  /** Keys kept at most; beyond it those unused for longest are forgotten. */
  readonly maxKeys?: number;
}

const DEFAULT_MAX_KEYS = 100_000;
const SLOTS = SLOTS_PER_WINDOW + 1;

/** Answers at once. */
export interface MemoryLimiter extends Limiter {
  take(key: string, policy: LimitPolicy): LimitDecision;
}

/** Exact counters of this process. */
export function createMemoryLimiter({ clock, maxKeys = DEFAULT_MAX_KEYS }: MemoryLimiterOptions): MemoryLimiter {
  // In order of use: the first is the one unused for longest.
  const windows = new Map<string, Window>();

  function windowOf(key: string, slotMs: number, slot: number): Window {
    const existing = windows.get(key);
    windows.delete(key);
    const window = existing?.slotMs === slotMs ? existing : { counts: new Float64Array(SLOTS), slot, slotMs };
    windows.set(key, window);
    if (windows.size > maxKeys) {
      const [oldest] = windows.keys();
      if (oldest !== undefined) windows.delete(oldest);
    }
    return window;
  }

  return {
    take(key, policy) {
      const nowMs = clock.now();
      const slotMs = policy.windowMs / SLOTS_PER_WINDOW;
      const slot = Math.floor(nowMs / slotMs);
      const window = windowOf(key, slotMs, slot);
      const passed = slot - window.slot;
      if (passed > 0) {
        window.counts.copyWithin(0, Math.min(passed, SLOTS));
        window.counts.fill(0, Math.max(SLOTS - passed, 0));
        window.slot = slot;
      }
      const decision = decide(policy, Array.from(window.counts), nowMs);
      if (decision.allowed) window.counts[SLOTS - 1] = (window.counts[SLOTS - 1] ?? 0) + 1;
      return decision;
    },
    async close() {
      windows.clear();
    },
  };
}
