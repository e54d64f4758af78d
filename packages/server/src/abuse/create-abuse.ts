import type { Clock } from "@aerostack/kernel";
import type { AuditLog } from "../audit/create-audit.ts";
import type { Blocks } from "../front-door/blocks/service.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { RefusedUses } from "../keys/refused-uses.ts";
import type { HourCounts } from "../logs/hour-counts.ts";
import { createAbuseView } from "./abuse-view.ts";
import { createAbuseRoutes } from "./routes.ts";
import { createBlockedSource } from "./sources/blocked.ts";
import { createFirewallSource } from "./sources/firewall.ts";
import { createKeySource } from "./sources/keys.ts";
import { createLockOutSource } from "./sources/lock-outs.ts";
import { createSignUpSource } from "./sources/sign-ups.ts";
import { createSpikeSource } from "./sources/spikes.ts";

export interface AbuseOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, "list">;
  readonly blocks: Blocks;
  readonly callHours: Pick<HourCounts, "peaks" | "flush">;
  readonly refusedUses: RefusedUses;
}

export function createAbuse({ sql, clock, audit, blocks, callHours, refusedUses }: AbuseOptions) {
  const keys = createKeySource(audit, refusedUses);
  const view = createAbuseView({
    clock,
    blocks: blocks.check,
    sources: {
      sign_ups: createSignUpSource(sql),
      spike: createSpikeSource(callHours),
      lock_out: createLockOutSource(sql, audit),
      firewall: createFirewallSource(sql),
      key_leaked: keys,
      key_refused: keys,
      blocked: createBlockedSource(blocks),
    },
  });
  return { view, routes: createAbuseRoutes(view) };
}
