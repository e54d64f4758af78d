import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Holds } from "../legal/holds.ts";
import type { TeamTables } from "./tables.ts";

/** What every part of teams works with. */
export interface TeamOptions {
  readonly sql: Sql<TeamTables>;
  readonly clock: Clock;
  /** Changes are announced as `account:…` for one member, as `organisation:…` for all. */
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  /** What keeps the deletion of an organisation back. */
  readonly holds: Pick<Holds, "ofOrganisation" | "keepOrganisation" | "hasDeletedProjects">;
}
