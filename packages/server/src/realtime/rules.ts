import { type RealtimeRule, realtimeRulesSchema } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import { createCachedLookup } from "../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { RealtimeTables } from "./tables.ts";

export interface RealtimeRules {
  /** In memory after the first time; a change is known everywhere within a second. */
  of(projectId: string): readonly RealtimeRule[] | Promise<readonly RealtimeRule[]>;
  replace(projectId: string, rules: readonly RealtimeRule[]): Promise<void>;
  delete(projectId: string): Promise<void>;
}

const subjectOf = (projectId: string): string => `realtime-rules:${projectId}`;

/** Who may listen and publish where, as a project's people say. */
export function createRealtimeRules(options: {
  readonly sql: Sql<RealtimeTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
}): RealtimeRules {
  const { sql, clock, changes, audit } = options;
  const lookup = createCachedLookup<readonly RealtimeRule[]>({
    clock,
    changes,
    async find(projectId) {
      const row = await sql.db
        .selectFrom("realtime_rules")
        .select("rules")
        .where("project_id", "=", projectId)
        .executeTakeFirst();
      const value = row === undefined ? [] : realtimeRulesSchema.parse(JSON.parse(row.rules));
      return { value, expiresAtMs: null, subjects: [subjectOf(projectId)] };
    },
  });
  return {
    of(projectId) {
      const found = lookup.find(projectId);
      return found instanceof Promise ? found.then((rules) => rules ?? []) : (found ?? []);
    },
    async replace(projectId, rules) {
      const row = { project_id: projectId, rules: JSON.stringify(rules), updated_at: clock.now() };
      await changes.commit(sql, [subjectOf(projectId)], async (trx) => {
        const before = await trx
          .selectFrom("realtime_rules")
          .select("rules")
          .where("project_id", "=", projectId)
          .executeTakeFirst();
        await trx
          .insertInto("realtime_rules")
          .values(row)
          .onConflict((conflict) =>
            conflict.column("project_id").doUpdateSet({ rules: row.rules, updated_at: row.updated_at }),
          )
          .execute();
        await audit.record(trx, {
          action: "realtime_rules.changed",
          target: { kind: "realtime_rules", id: projectId },
          projectId,
          before: { rules: before === undefined ? [] : (JSON.parse(before.rules) as unknown) },
          after: { rules },
        });
      });
    },
    async delete(projectId) {
      await sql.db.deleteFrom("realtime_rules").where("project_id", "=", projectId).execute();
    },
  };
}
