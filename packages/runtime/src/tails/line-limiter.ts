export interface LineLimiterOptions {
  readonly logLinesPerSecond: number;
  readonly logLinesBurst: number;
}

/** Says how many of a project's log lines are kept: a token bucket for each project. */
export interface LineLimiter {
  /** Of `lines` that want in, how many may. `now` in milliseconds. */
  admit(projectId: string, lines: number, now: number): number;
  isExhausted(projectId: string, now: number): boolean;
}

/** Buckets that are full again are dropped when there are more than this. */
const MAX_BUCKETS = 10_000;

export function createLineLimiter(options: LineLimiterOptions): LineLimiter {
  const { logLinesPerSecond: rate, logLinesBurst: burst } = options;
  const buckets = new Map<string, { tokens: number; at: number }>();

  function refilled(bucket: { tokens: number; at: number }, now: number): number {
    return Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate);
  }

  return {
    admit(projectId, lines, now) {
      const bucket = buckets.get(projectId) ?? { tokens: burst, at: now };
      const tokens = refilled(bucket, now);
      const admitted = Math.min(lines, Math.floor(tokens));
      if (buckets.size >= MAX_BUCKETS) {
        for (const [id, one] of buckets) if (refilled(one, now) >= burst) buckets.delete(id);
      }
      buckets.set(projectId, { tokens: tokens - admitted, at: now });
      return admitted;
    },
    isExhausted(projectId, now) {
      const bucket = buckets.get(projectId);
      return bucket !== undefined && refilled(bucket, now) < 1;
    },
  };
}
