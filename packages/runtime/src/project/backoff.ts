export interface BackoffOptions {
  readonly freeRestarts: number;
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
  readonly healthyAfterMs: number;
}

/** How long to leave a project alone that keeps failing. Times are `performance.now()`. */
export interface Backoff {
  /** Records a failure after the process lived for `uptimeMs`; returns the pause that follows, ms. */
  fail(now: number, uptimeMs: number): number;
  /** How much of the pause is left, ms; 0 when a start may be tried. */
  remainingMs(now: number): number;
  readonly failures: number;
  reset(): void;
}

/** The first few failures restart at once; each further one doubles the pause, until a process lives long enough. */
export function createBackoff(options: BackoffOptions): Backoff {
  let failures = 0;
  let lastFailureAt = Number.NEGATIVE_INFINITY;
  let until = Number.NEGATIVE_INFINITY;
  return {
    fail(now, uptimeMs) {
      if (uptimeMs >= options.healthyAfterMs || now - lastFailureAt >= options.healthyAfterMs + options.backoffMaxMs) {
        failures = 0;
      }
      failures++;
      lastFailureAt = now;
      const beyond = failures - options.freeRestarts;
      if (beyond <= 0) return 0;
      const pause = Math.min(options.backoffMaxMs, options.backoffInitialMs * 2 ** (beyond - 1));
      until = now + pause;
      return pause;
    },
    remainingMs: (now) => Math.max(0, until - now),
    get failures() {
      return failures;
    },
    reset() {
      failures = 0;
      until = Number.NEGATIVE_INFINITY;
    },
  };
}
