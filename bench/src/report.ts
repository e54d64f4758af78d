import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Commit } from "./commit.ts";
import type { Comparison } from "./comparison.ts";
import type { Machine } from "./machine.ts";
import type { Plan } from "./scenario.ts";

export interface ScenarioReport {
  readonly name: string;
  readonly title: string;
  readonly durationSeconds: number;
  /** Share of all cores that others used just before. */
  readonly foreignLoadBefore: number;
  readonly comparisons: readonly Comparison[];
  /** Why there are no comparisons, or null. */
  readonly error: string | null;
}

/** What a file of `bench/results` holds. */
export interface Report {
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly commit: Commit;
  readonly quick: boolean;
  /** True: CPU profiles were taken, which slows our side down. */
  readonly profiled: boolean;
  readonly plan: Plan;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly scenarios: readonly ScenarioReport[];
  readonly pass: boolean;
}

const RESULTS = fileURLToPath(new URL("../results", import.meta.url));
const DATE_LENGTH = "2026-01-01".length;

/** Nothing failed and no target was missed. */
export function passes(scenarios: readonly ScenarioReport[]): boolean {
  return scenarios.every(
    ({ error, comparisons }) => error === null && comparisons.every((comparison) => comparison.pass !== false),
  );
}

/** @returns the path of the file, which says date (UTC) and commit */
export function saveReport(report: Report): string {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${report.startedAt.slice(0, DATE_LENGTH)}-${report.commit.short}.json`);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  return path;
}
