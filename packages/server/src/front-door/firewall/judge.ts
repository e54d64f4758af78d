import type { FirewallMode } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Logger } from "../../kernel/log.ts";
import type { Metrics } from "../../kernel/metrics.ts";
import type { FrontDoorSettingsService } from "../settings/service.ts";
import type { Hit, Inspection } from "../waf/engine.ts";
import { withoutExceptions } from "./exceptions.ts";
import type { HitLog } from "./hit-log.ts";

/** What a request must score to be one that nobody means well. */
export const BLOCK_SCORE = 5;

/** A flood of attacks must not become a flood of the log; what is left out is counted, in the log and in the metrics. */
const MAX_LINES_PER_MINUTE = 100;
const MINUTE_MS = 60_000;

/** A request in which something was found. */
export interface Suspect {
  readonly inspection: Inspection;
  /** Null: of no project, or of the management interface. */
  readonly projectId: string | null;
  /** What is done where the project chose nothing. */
  readonly defaultMode: FirewallMode;
  /** The target as it was sent. */
  readonly url: string;
  readonly requestId: string;
  readonly ip: string | null;
  readonly region: string | null;
}

/** Decides what a finding means: by the mode and the exceptions of the project that was asked. */
export interface Judge {
  /** True: the request is to be refused. Whatever counts is noted. */
  refuses(suspect: Suspect): boolean | Promise<boolean>;
}

export interface JudgeOptions {
  readonly settings: Pick<FrontDoorSettingsService, "of">;
  readonly hits: Pick<HitLog, "add">;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
}

export function createJudge({ settings, hits: hitLog, metrics, log, clock }: JudgeOptions): Judge {
  let minute = 0;
  let lines = 0;
  const counted = metrics.counter({
    name: "aerostack_firewall_hits_total",
    help: "Requests in which the firewall found an attack.",
    labels: ["category", "action"],
  });

  function mayWrite(): boolean {
    const now = Math.floor(clock.now() / MINUTE_MS);
    if (now !== minute) {
      if (lines > MAX_LINES_PER_MINUTE) {
        log.warn({ leftOut: lines - MAX_LINES_PER_MINUTE }, "the firewall found more attacks than it told");
      }
      minute = now;
      lines = 0;
    }
    return ++lines <= MAX_LINES_PER_MINUTE;
  }

  function note(hits: readonly Hit[], score: number, suspect: Suspect, action: "blocked" | "detected"): void {
    const { projectId, url, requestId, ip, region } = suspect;
    for (const category of new Set(hits.map(({ rule }) => rule.category))) counted.add({ category, action });
    if (mayWrite()) {
      const rules = hits.map(({ rule, parameter }) => ({ id: rule.id, parameter }));
      log.warn({ rules, score, action, requestId, projectId }, "the firewall found an attack");
    }
    const mark = url.indexOf("?");
    const path = mark === -1 ? url : url.slice(0, mark);
    for (const { rule, parameter } of hits) {
      hitLog.add({ projectId, rule: rule.id, action, path, parameter, requestId, ip, region });
    }
  }

  function decide(
    suspect: Suspect,
    { mode, exceptions }: { mode: FirewallMode | null; exceptions: Parameters<typeof withoutExceptions>[2] },
  ): boolean {
    const inForce = mode ?? suspect.defaultMode;
    if (inForce === "off") return false;
    const hits = withoutExceptions(suspect.inspection.hits, suspect.url, exceptions);
    const score = hits.reduce((sum, { rule }) => sum + rule.score, 0);
    if (score < BLOCK_SCORE) return false;
    const refused = inForce === "block";
    note(hits, score, suspect, refused ? "blocked" : "detected");
    return refused;
  }

  return {
    refuses(suspect) {
      if (suspect.projectId === null) return decide(suspect, { mode: null, exceptions: [] });
      const found = settings.of(suspect.projectId);
      return found instanceof Promise
        ? found.then(({ firewall }) => decide(suspect, firewall))
        : decide(suspect, found.firewall);
    },
  };
}
