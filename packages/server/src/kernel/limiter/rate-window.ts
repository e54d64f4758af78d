import type { Clock } from "@aerostack/kernel";

/** What a caller is told of its limit: the three `X-RateLimit-*` headers and whether this call passes. */
export interface RateVerdict {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** When the window ends, in Unix seconds. */
  readonly resetUnixSeconds: number;
}

export interface RateWindow {
  hit(subject: string, limit: number): RateVerdict;
}

/** Adds this node's new hits of one window to the count of all nodes and answers with the total, per subject. */
export type ShareCounts = (
  windowStartMs: number,
  increments: ReadonlyMap<string, number>,
) => Promise<ReadonlyMap<string, number>>;

export interface RateWindowOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  /** Set where several nodes count together; a single node needs none. */
  readonly share?: ShareCounts;
  readonly onError?: (error: unknown) => void;
}

const SHARE_INTERVAL_MS = 250;

/**
 * Counts calls per subject in fixed windows, synchronously, so that the fast path waits for nobody. Counts of several nodes
 * are brought together every 250 ms: between two meetings the limit may be passed by what the other nodes let through,
 * which is why only limits that are allowed to be approximate use this.
 */
export function createRateWindow(options: RateWindowOptions): RateWindow {
  const { clock, windowMs, share } = options;
  let windowStart = 0;
  let counts = new Map<string, number>();
  let unshared = new Map<string, number>();
  let sharing = false;
  let lastShared = 0;

  function exchange(now: number): void {
    if (share === undefined || sharing || now - lastShared < SHARE_INTERVAL_MS || unshared.size === 0) return;
    sharing = true;
    lastShared = now;
    const start = windowStart;
    const increments = unshared;
    unshared = new Map();
    share(start, increments)
      .then((totals) => {
        if (start !== windowStart) return;
        for (const [subject, total] of totals) counts.set(subject, total + (unshared.get(subject) ?? 0));
      })
      .catch((error: unknown) => options.onError?.(error))
      .finally(() => {
        sharing = false;
      });
  }

  return {
    hit(subject, limit) {
      const now = clock.now();
      const start = now - (now % windowMs);
      if (start !== windowStart) {
        windowStart = start;
        counts = new Map();
        unshared = new Map();
      }
      const count = (counts.get(subject) ?? 0) + 1;
      const allowed = count <= limit;
      if (allowed) {
        counts.set(subject, count);
        if (share !== undefined) unshared.set(subject, (unshared.get(subject) ?? 0) + 1);
      }
      exchange(now);
      return {
        allowed,
        limit,
        remaining: allowed ? limit - count : 0,
        resetUnixSeconds: (start + windowMs) / 1000,
      };
    },
  };
}
