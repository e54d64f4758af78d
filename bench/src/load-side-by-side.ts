import { type Series, series } from "./comparison.ts";
import type { ScenarioContext } from "./scenario.ts";
import { type Contestant, sideBySide } from "./side-by-side.ts";
import { median } from "./statistics.ts";
import { type LoadTarget, runWrk } from "./wrk.ts";
import type { LatencyMs, WrkReport } from "./wrk-output.ts";

export interface LoadContestant {
  readonly name: string;
  readonly target: LoadTarget;
}

function medianLatency(reports: readonly WrkReport[]): LatencyMs {
  const of = (key: keyof LatencyMs): number => median(reports.map((report) => report.latencyMs[key]));
  return { p50: of("p50"), p75: of("p75"), p90: of("p90"), p99: of("p99") };
}

/** Warms every contestant up, then loads them in turn. Answers a series each, in their order. */
export async function loadSideBySide<const Contestants extends readonly LoadContestant[]>(
  context: ScenarioContext,
  contestants: Contestants,
): Promise<{ readonly [Position in keyof Contestants]: Series }> {
  const { plan, say } = context;
  for (const { target } of contestants) await runWrk(target, plan.warmUpSeconds);
  const running: readonly Contestant<WrkReport>[] = contestants.map(({ name, target }) => ({
    name,
    run: async (round) => {
      const report = await runWrk(target, plan.roundSeconds);
      say(
        `round ${round + 1} ${name}: ${report.requestsPerSecond.toFixed(0)} requests/s, p99 ${report.latencyMs.p99.toFixed(1)} ms`,
      );
      return report;
    },
  }));
  const reports = await sideBySide(running, plan.rounds);
  const measured = contestants.map(({ name }) => {
    const own = reports.get(name) ?? [];
    return series(
      name,
      own.map((report) => report.requestsPerSecond),
      medianLatency(own),
    );
  });
  return measured as unknown as { readonly [Position in keyof Contestants]: Series };
}
