import type { FirewallMode } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { everyHour } from "../kernel/every-hour.ts";
import type { Lifecycle } from "../kernel/lifecycle.ts";
import type { Logger } from "../kernel/log.ts";
import type { Metrics } from "../kernel/metrics.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createBodyGuard } from "./firewall/body-guard.ts";
import { createFunctionBodies } from "./firewall/function-bodies.ts";
import { createHitLog } from "./firewall/hit-log.ts";
import { createJudge } from "./firewall/judge.ts";
import { createFirewallRoutes } from "./firewall/routes.ts";
import { createNetworkRoutes } from "./network/routes.ts";
import { createFrontDoorSettings } from "./settings/service.ts";
import type { Engine } from "./waf/engine.ts";

export interface FrontDoorOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly engine: Engine;
  /** What the firewall does with requests to the management interface. */
  readonly managementMode: FirewallMode;
  /** The same with requests to projects that chose nothing. */
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
  const judge = createJudge({ ...options, settings, hits });
  /** Whether a project wants its requests looked at. */
  const someProjectInspects = settings.someMay(({ firewall }) => firewall.mode !== null && firewall.mode !== "off");
  const inspectBody = createBodyGuard({ ...options, judge, someProjectInspects });
  return {
    settings,
    hits,
    judge,
    someProjectInspects,
    inspectBody,
    inspectFunctionBody: createFunctionBodies({ settings, inspectBody }),
    deleteProject: settings.deleteProject,
    routes: [...createFirewallRoutes({ ...options, settings, hits }), ...createNetworkRoutes({ settings })],
  };
}

export type FrontDoor = ReturnType<typeof createFrontDoor>;
