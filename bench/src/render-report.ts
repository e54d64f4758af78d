import type { Comparison, Series, Unit } from "./comparison.ts";
import type { Report } from "./report.ts";

const COLUMNS = ["measured", "ours", "baseline", "ratio", "target", "p50 / p99 ms", "CPU µs/request", ""] as const;

function figure(value: number, unit: Unit): string {
  const digits = unit === "requests/s" ? 0 : Math.abs(value) < 10 ? 2 : 1;
  return `${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

function shown(series: Series | null, unit: Unit): string {
  if (series === null) return "";
  const noise = series.rounds.length > 1 ? ` ±${((series.spread / 2) * 100).toFixed(0)}%` : "";
  return `${figure(series.median, unit)}${noise}`;
}

function ratioOf({ ratio, ratioRange }: Comparison): string {
  if (ratio === null) return "";
  return ratioRange === null
    ? ratio.toFixed(2)
    : `${ratio.toFixed(2)} (${ratioRange[0].toFixed(2)}–${ratioRange[1].toFixed(2)})`;
}

function targetOf({ target, unit }: Comparison): string {
  if (target === null) return "";
  return `${target.is === "at least" ? "≥" : "≤"} ${target.of === "ratio" ? target.limit : figure(target.limit, unit)}`;
}

function latencyOf({ ours, baseline }: Comparison): string {
  return [ours, baseline]
    .flatMap((one) => one?.latencyMs ?? [])
    .map(({ p50, p99 }) => `${p50.toFixed(1)} / ${p99.toFixed(1)}`)
    .join(" · ");
}

function cpuOf({ ours, baseline }: Comparison): string {
  return [ours, baseline]
    .flatMap((one) => (one?.cpuUsPerRequest === undefined ? [] : [Object.values(one.cpuUsPerRequest)]))
    .map((times) => times.reduce((sum, time) => sum + time, 0).toFixed(0))
    .join(" · ");
}

function rowOf(comparison: Comparison): readonly string[] {
  const { pass, ours, baseline, unit } = comparison;
  return [
    comparison.title,
    shown(ours, unit),
    shown(baseline, unit),
    ratioOf(comparison),
    targetOf(comparison),
    latencyOf(comparison),
    cpuOf(comparison),
    pass === null ? "" : pass ? "met" : "MISSED",
  ];
}

/** Where the CPU time of one request goes, process by process. */
function cpuLines({ scenarios }: Report): readonly string[] {
  const all = scenarios.flatMap(({ comparisons }) => comparisons);
  const lines = all.flatMap(({ id, ours, baseline }) =>
    [ours, baseline].flatMap((one) => {
      if (one?.cpuUsPerRequest === undefined) return [];
      const parts = Object.entries(one.cpuUsPerRequest).map(([role, time]) => `${role} ${time.toFixed(0)}`);
      return [`  ${id}, ${one.name}: ${parts.join(", ")}`];
    }),
  );
  return lines.length === 0 ? [] : ["", "CPU time of one request, µs:", ...new Set(lines)];
}

/** The report as a person reads it: a table, then what went wrong, then on what it was measured. */
export function renderReport(report: Report): string {
  const rows = report.scenarios.flatMap(({ comparisons }) => comparisons.map(rowOf));
  const widths = COLUMNS.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  const failures = report.scenarios.flatMap(({ name, error }) => (error === null ? [] : [`${name} failed: ${error}`]));
  const noise = report.scenarios.map(
    ({ name, foreignLoadBefore }) => `${name} ${(foreignLoadBefore * 100).toFixed(0)}%`,
  );
  const { machine, commit } = report;
  return [
    line(COLUMNS),
    line(widths.map((width) => "─".repeat(width))),
    ...rows.map(line),
    ...cpuLines(report),
    ...(failures.length === 0 ? [] : ["", ...failures]),
    "",
    `${machine.cpuModel}, ${machine.cores} cores, ${machine.memoryGb} GB, Linux ${machine.kernel}, ${machine.fileSystem}; commit ${commit.short}${commit.modified ? " (modified)" : ""}`,
    Object.entries(report.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
    `CPU in use by others before each scenario: ${noise.join(", ")}`,
    ...(report.profiled ? ["CPU profiles were taken: our side is slower than it is."] : []),
  ].join("\n");
}
