import type { ManualClock } from "@aerostack/kernel";
import type { Timers } from "./due-alarm.ts";

export interface ManualTimers extends Timers {
  /** Lets time pass, and runs what falls due on the way, each at its own time. */
  advance(ms: number): void;
  /** Timers that are set. */
  readonly pending: number;
}

export function createManualTimers(clock: ManualClock): ManualTimers {
  const waiting = new Set<{ readonly dueAt: number; readonly callback: () => void }>();
  return {
    after(delayMs, callback) {
      const timer = { dueAt: clock.now() + delayMs, callback };
      waiting.add(timer);
      return () => waiting.delete(timer);
    },
    advance(ms) {
      const end = clock.now() + ms;
      for (;;) {
        const next = [...waiting].filter(({ dueAt }) => dueAt <= end).sort((one, other) => one.dueAt - other.dueAt)[0];
        if (next === undefined) break;
        waiting.delete(next);
        clock.set(Math.max(clock.now(), next.dueAt));
        next.callback();
      }
      clock.set(end);
    },
    get pending() {
      return waiting.size;
    },
  };
}
