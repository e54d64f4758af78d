import type { FirewallMode } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { everyHour } from "../kernel/every-hour.ts";
import type { Lifecycle } from "../kernel/lifecycle.ts";
import type { Logger } from "../kernel/log.ts";
import type { Metrics } from "../kernel/metrics.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createHitLog } from "./firewall/hit-log.ts";
import { createJudge } from "./firewall/judge.ts";
import { createFirewallRoutes } from "./firewall/routes.ts";
import { createFrontDoorSettings } from "./settings/service.ts";

export interface FrontDoorOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  /** What the firewall does with requests to projects that chose nothing. */
  readonly projectsMode: FirewallMode;
}

/** What projects chose for their front door, and the firewall's judgement and memory. */
export function createFrontDoor(options: FrontDoorOptions) {
  const { log, lifecycle } = options;
  const settings = createFrontDoorSettings(options);
  const hits = createHitLog(options);
  lifecycle.onClose("hits of the firewall", () => hits.close());
  const housekeeping = everyHour("removing old hits of the firewall", hits.removeExpired, log);
  lifecycle.onClose("housekeeping of the firewall", () => housekeeping.stop());
  return {
    settings,
    hits,
    judge: createJudge({ ...options, settings, hits }),
    /** Whether a project wants its requests looked at. */
    someProjectInspects: settings.someMay(({ firewall }) => firewall.mode !== null && firewall.mode !== "off"),
    deleteProject: settings.deleteProject,
    routes: createFirewallRoutes({ ...options, settings, hits }),
  };
}

export type FrontDoor = ReturnType<typeof createFrontDoor>;
