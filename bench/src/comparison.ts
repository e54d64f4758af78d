import { median, pairedRatios, spread } from "./statistics.ts";
import type { LatencyMs } from "./wrk-output.ts";

export type Unit = "requests/s" | "messages/s" | "ms" | "s" | "MB" | "KB";

/** What one contestant measured, round by round. */
export interface Series {
  readonly name: string;
  readonly rounds: readonly number[];
  readonly median: number;
  /** Largest less smallest round, as a share of the median. */
  readonly spread: number;
  /** Of each percentile the median over the rounds, where latencies were collected. */
  readonly latencyMs?: LatencyMs;
  /** Microseconds of CPU time for one request by kind of process, median over the rounds: moves little with other load. */
  readonly cpuUsPerRequest?: Readonly<Record<string, number>>;
  /** Round by round the share of all cores that others used. */
  readonly disturbances?: readonly number[];
}

/** What has to hold: of the ratio of ours to the baseline, or of our own figure. */
export interface Target {
  readonly of: "ratio" | "value";
  readonly is: "at least" | "at most";
  readonly limit: number;
}

/** One line of the report. */
export interface Comparison {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly ours: Series;
  readonly baseline: Series | null;
  /** Median of ours by median of the baseline. */
  readonly ratio: number | null;
  /** Smallest and largest ratio of a round of ours to the baseline's round beside it. */
  readonly ratioRange: readonly [number, number] | null;
  readonly target: Target | null;
  /** Null where there is no target. */
  readonly pass: boolean | null;
  /** Further figures, such as the shares of a total. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export function series(
  name: string,
  rounds: readonly number[],
  more: Pick<Series, "latencyMs" | "cpuUsPerRequest" | "disturbances"> = {},
): Series {
  return {
    name,
    rounds,
    median: median(rounds),
    spread: spread(rounds),
    ...more,
  };
}

function holds(target: Target, value: number): boolean {
  return target.is === "at least" ? value >= target.limit : value <= target.limit;
}

/** Sets ours beside a baseline, or alone, and judges it. */
export function compare(options: {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly ours: Series;
  readonly baseline?: Series;
  readonly target?: Target;
  readonly details?: Readonly<Record<string, unknown>>;
}): Comparison {
  const { ours, baseline = null, target = null } = options;
  const ratio = baseline === null ? null : ours.median / baseline.median;
  const paired = baseline === null ? [] : pairedRatios(ours.rounds, baseline.rounds);
  const judged = target?.of === "ratio" ? ratio : ours.median;
  return {
    id: options.id,
    title: options.title,
    unit: options.unit,
    ours,
    baseline,
    ratio,
    ratioRange: paired.length === 0 ? null : [Math.min(...paired), Math.max(...paired)],
    target,
    pass: target === null ? null : judged !== null && holds(target, judged),
    ...(options.details === undefined ? {} : { details: options.details }),
  };
}
