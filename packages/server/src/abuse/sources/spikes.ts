import { isLoopbackHost } from "../../kernel/config.ts";
import type { HourCounts, HourFigures, Peak } from "../../logs/hour-counts.ts";
import { logEvidence } from "../evidence.ts";
import { type Finding, type FindingSource, severityOf } from "../finding.ts";

const HOUR_MS = 60 * 60_000;
/** In one hour, below which nothing is a spike: of a project, of an address. */
const FLOORS = {
  projects: { calls: 1_000, failures: 100, refusals: 200 },
  addresses: { calls: 600, failures: 60, refusals: 60 },
} as const satisfies Readonly<Record<string, HourFigures>>;
/** So many times what is usual is a spike, and so many times a grave one. */
const SPIKE = 5;
const GRAVE = 20;
/** What has no past is a spike by the floor alone, and a grave one from here on. */
const GRAVE_WITHOUT_PAST = 10;

const SAID: Readonly<Record<keyof HourFigures, string>> = {
  calls: "calls",
  failures: "failures (5xx)",
  refusals: "refused calls (401, 403, 429)",
};
const STATUS: Readonly<Record<keyof HourFigures, string | undefined>> = {
  calls: undefined,
  failures: "5xx",
  refusals: "4xx",
};

/** Calls, failures or refusals of a project, or of one address at a project, far above their own usual. */
export function createSpikeSource(hours: Pick<HourCounts, "peaks" | "flush">): FindingSource {
  function findingOf(peak: Peak, scope: keyof typeof FLOORS, figure: keyof HourFigures): Finding | null {
    const floor = FLOORS[scope][figure];
    const highest = peak.highest[figure];
    if (highest < floor) return null;
    const usual = peak.usual === null ? null : peak.usual[figure];
    // A usual of less than one an hour says nothing about how many times more this is.
    const times = usual === null ? null : highest / Math.max(usual, 1);
    if (times !== null && times < SPIKE) return null;
    const { projectId, ip, firstHourMs, lastHourMs } = peak;
    const untilMs = lastHourMs + HOUR_MS - 1;
    return {
      kind: "spike",
      severity: times === null ? severityOf(highest / floor, 2, GRAVE_WITHOUT_PAST) : severityOf(times, SPIKE, GRAVE),
      subject: scope === "projects" ? { kind: "project", id: projectId } : { kind: "network", id: networkOf(ip) },
      projectId,
      variant: figure,
      count: highest,
      firstAtMs: firstHourMs,
      lastAtMs: untilMs,
      summary: `${highest} ${SAID[figure]} in an hour, ${
        usual === null ? "and nothing is known of before" : `where ${Math.round(usual)} are usual`
      }`,
      evidence: [
        logEvidence(projectId, {
          ...(scope === "addresses" ? { ip } : {}),
          ...(STATUS[figure] === undefined ? {} : { status: STATUS[figure] }),
          sinceMs: firstHourMs,
          untilMs,
        }),
      ],
    };
  }

  return async ({ projectId, sinceMs }) => {
    await hours.flush();
    const findings: Finding[] = [];
    for (const scope of ["projects", "addresses"] as const) {
      for (const peak of await hours.peaks({ projectId, sinceMs, of: scope, floor: FLOORS[scope] })) {
        if (isLoopbackHost(peak.ip)) continue;
        for (const figure of ["calls", "failures", "refusals"] as const) {
          const finding = findingOf(peak, scope, figure);
          if (finding !== null) findings.push(finding);
        }
      }
    }
    return findings;
  };
}

function networkOf(ip: string): string {
  return `${ip}/${ip.includes(":") ? 128 : 32}`;
}
