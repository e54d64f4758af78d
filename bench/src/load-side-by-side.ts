import { type Series, series } from "./comparison.ts";
import { cpuPerRequest, readCpuUse } from "./cpu-use.ts";
import { MAX_DISTURBANCE, QUIET_TIMEOUT_MS, untilLeftAlone, watchForeignLoad } from "./foreign-load.ts";
import type { ProcessFacts } from "./process-tree.ts";
import type { ScenarioContext } from "./scenario.ts";
import { type Contestant, sideBySide } from "./side-by-side.ts";
import { median } from "./statistics.ts";
import { type LoadTarget, runWrk } from "./wrk.ts";
import type { LatencyMs, WrkReport } from "./wrk-output.ts";

export interface LoadContestant {
  readonly name: string;
  readonly target: LoadTarget;
  /** Those that do the work, whose CPU time is taken. */
  readonly processes: () => readonly ProcessFacts[];
}

interface LoadRound extends WrkReport {
  readonly cpuUsPerRequest: Readonly<Record<string, number>>;
}

function medianLatency(rounds: readonly LoadRound[]): LatencyMs {
  const of = (key: keyof LatencyMs): number => median(rounds.map((round) => round.latencyMs[key]));
  return { p50: of("p50"), p75: of("p75"), p90: of("p90"), p99: of("p99") };
}

function medianCpu(rounds: readonly LoadRound[]): Readonly<Record<string, number>> {
  const roles = new Set(rounds.flatMap(({ cpuUsPerRequest }) => Object.keys(cpuUsPerRequest)));
  return Object.fromEntries(
    [...roles].map((role) => [role, median(rounds.map(({ cpuUsPerRequest }) => cpuUsPerRequest[role] ?? 0))]),
  );
}

/** Warms every contestant up, then loads them in turn. Answers a series each, in their order. */
export async function loadSideBySide<const Contestants extends readonly LoadContestant[]>(
  context: ScenarioContext,
  contestants: Contestants,
): Promise<{ readonly [Position in keyof Contestants]: Series }> {
  const { plan, say } = context;
  for (const { target } of contestants) await runWrk(target, plan.warmUpSeconds);
  const running: readonly Contestant<LoadRound>[] = contestants.map(({ name, target, processes }) => ({
    name,
    run: async () => {
      const before = readCpuUse(processes());
      const report = await runWrk(target, plan.roundSeconds);
      const cpuUsPerRequest = cpuPerRequest(before, readCpuUse(processes()), report.requests);
      say(`${name}: ${report.requestsPerSecond.toFixed(0)} requests/s, p99 ${report.latencyMs.p99.toFixed(1)} ms`);
      return { ...report, cpuUsPerRequest };
    },
  }));
  const rounds = await sideBySide(running, {
    rounds: plan.rounds,
    repeats: plan.repeats,
    maxDisturbance: MAX_DISTURBANCE,
    watch: watchForeignLoad,
    beforeRound: () => untilLeftAlone(MAX_DISTURBANCE, QUIET_TIMEOUT_MS),
  });
  const disturbances = rounds.map(({ disturbance }) => disturbance);
  say(`others used at most ${(Math.max(...disturbances) * 100).toFixed(0)} % of the cores in the rounds that count`);
  const measured = contestants.map(({ name }) => {
    const own = rounds.flatMap(({ reports }) => reports.get(name) ?? []);
    return series(
      name,
      own.map((report) => report.requestsPerSecond),
      { latencyMs: medianLatency(own), cpuUsPerRequest: medianCpu(own), disturbances },
    );
  });
  return measured as unknown as { readonly [Position in keyof Contestants]: Series };
}
