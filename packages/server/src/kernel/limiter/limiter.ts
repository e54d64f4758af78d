/** How many times something may happen within any stretch of time of the given length. */
export interface LimitPolicy {
  readonly limit: number;
  readonly windowMs: number;
}

export interface LimitDecision {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** When the window is empty again if nothing more happens, in milliseconds since the epoch. */
  readonly resetAtMs: number;
  /** 0 when allowed; else the seconds after which a repeat may succeed, at least 1. */
  readonly retryAfterSeconds: number;
}

/**
 * Counts events per key in a sliding window cut into slots. The window that is counted is the running slot and the
 * `SLOTS_PER_WINDOW` before it, a slot more than the window, so that never more than `limit` events are allowed within any
 * `windowMs`; in exchange a place becomes free up to one slot late. A refused event is not counted.
 */
export interface Limiter {
  /** At once in memory; a promise where the counters are shared. */
  take(key: string, policy: LimitPolicy): LimitDecision | Promise<LimitDecision>;
  close(): Promise<void>;
}

export const SLOTS_PER_WINDOW = 12;

/** Turns slot counts (oldest first, the running slot last) into a decision; shared by all implementations. */
export function decide(policy: LimitPolicy, counts: readonly number[], nowMs: number): LimitDecision {
  const slotMs = policy.windowMs / SLOTS_PER_WINDOW;
  const slotStartMs = Math.floor(nowMs / slotMs) * slotMs;
  const used = counts.reduce((sum, count) => sum + count, 0);
  const allowed = used < policy.limit;
  const lastUsed = allowed ? SLOTS_PER_WINDOW : counts.findLastIndex((count) => count > 0);
  const resetAtMs = slotStartMs + (lastUsed + 1) * slotMs;
  const firstUsed = counts.findIndex((count) => count > 0);
  const freeAtMs = slotStartMs + (Math.max(firstUsed, 0) + 1) * slotMs;
  return {
    allowed,
    limit: policy.limit,
    remaining: allowed ? policy.limit - used - 1 : 0,
    resetAtMs: Math.ceil(resetAtMs),
    retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil((freeAtMs - nowMs) / 1_000)),
  };
}
