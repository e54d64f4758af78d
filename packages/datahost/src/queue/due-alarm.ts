import type { Clock } from "@aerostack/kernel";

/** Timers of the event loop, so that a test can let time pass. */
export interface Timers {
  /** @returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Rings once for each key when its time has come. */
export interface DueAlarm {
  /** Rings for `key` at `dueAt` at the latest; an earlier time that is set already stays. */
  set(key: string, dueAt: number): void;
  cancel(key: string): void;
  cancelAll(): void;
  /** Keys that it will ring for. */
  keys(): string[];
}

/** A timer may not be set further ahead (2^31 ms); the alarm then looks again. */
const MAX_TIMER_MS = 24 * 60 * 60 * 1000;

export function createDueAlarm({
  clock,
  timers,
  onDue,
}: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly onDue: (key: string) => void;
}): DueAlarm {
  const dueTimes = new Map<string, number>();
  let armedFor = Number.POSITIVE_INFINITY;
  let cancel: (() => void) | undefined;

  function arm(dueAt: number): void {
    if (dueAt >= armedFor) return;
    cancel?.();
    armedFor = dueAt;
    cancel = timers.after(Math.min(Math.max(0, dueAt - clock.now()), MAX_TIMER_MS), ring);
  }

  function ring(): void {
    armedFor = Number.POSITIVE_INFINITY;
    cancel = undefined;
    const now = clock.now();
    const due = [...dueTimes].filter(([, dueAt]) => dueAt <= now).map(([key]) => key);
    for (const key of due) dueTimes.delete(key);
    let next = Number.POSITIVE_INFINITY;
    for (const dueAt of dueTimes.values()) next = Math.min(next, dueAt);
    if (next !== Number.POSITIVE_INFINITY) arm(next);
    for (const key of due) onDue(key);
  }

  return {
    set(key, dueAt) {
      const known = dueTimes.get(key);
      if (known !== undefined && known <= dueAt) return;
      dueTimes.set(key, dueAt);
      arm(dueAt);
    },
    // The timer stays: it finds nothing due and looks for the next.
    cancel: (key) => void dueTimes.delete(key),
    keys: () => [...dueTimes.keys()],
    cancelAll() {
      cancel?.();
      dueTimes.clear();
      armedFor = Number.POSITIVE_INFINITY;
    },
  };
}
