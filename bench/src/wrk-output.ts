/** What one run of `wrk --latency` reported. */
export interface WrkReport {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Answers that were neither 2xx nor 3xx. */
  readonly errorAnswers: number;
  /** Connections that failed, reads, writes and timeouts together. */
  readonly socketErrors: number;
  readonly latencyMs: LatencyMs;
}

export interface LatencyMs {
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p99: number;
}

const MILLISECONDS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function captured(text: string, pattern: RegExp): string | null {
  return pattern.exec(text)?.[1] ?? null;
}

function required(text: string, pattern: RegExp, what: string): string {
  const found = captured(text, pattern);
  if (found === null) throw new Error(`wrk did not report ${what}:\n${text}`);
  return found;
}

function latencyAt(text: string, percent: number): number {
  const shown = required(text, new RegExp(`^\\s+${percent}%\\s+(\\S+)[ \\t]*$`, "m"), `its ${percent} % latency`);
  const [, amount, unit = ""] = /^([\d.]+)([a-z]+)$/.exec(shown) ?? [];
  const factor = MILLISECONDS[unit];
  if (amount === undefined || factor === undefined) throw new Error(`wrk reported a latency of '${shown}'.`);
  return Number(amount) * factor;
}

/**
 * Reads what `wrk --latency` (4.x) prints.
 *
 * @throws when a figure is missing: a run that says nothing must not count as a run
 */
export function parseWrkOutput(text: string): WrkReport {
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  return {
    requestsPerSecond: Number(required(text, /^Requests\/sec:\s+([\d.]+)$/m, "a request rate")),
    requests: Number(required(text, /^\s+(\d+) requests in /m, "how many requests it sent")),
    errorAnswers: Number(captured(text, /Non-2xx or 3xx responses: (\d+)/) ?? 0),
    socketErrors: (socketErrors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0),
    latencyMs: {
      p50: latencyAt(text, 50),
      p75: latencyAt(text, 75),
      p90: latencyAt(text, 90),
      p99: latencyAt(text, 99),
    },
  };
}
