import { PLANS, type Plan, type PlanName, planNameSchema } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../audit/record.ts";
import { createCachedLookup } from "../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { ProjectRecord } from "../projects/service.ts";
import type { PlanTables } from "./tables.ts";

/** Responsible for which plan a project is on and what it allows. Does not enforce it, and knows nothing of its price. */
export interface PlanService {
  /** What a project's plan allows. In memory after the first time; a change is known everywhere within a second. */
  of(projectId: string): Plan | Promise<Plan>;
  describe(projectId: string): Promise<{ readonly plan: PlanName; readonly isDefault: boolean }>;
  /** @param plan null: the installation's default */
  set(project: Pick<ProjectRecord, "id" | "organisationId">, plan: PlanName | null): Promise<void>;
  deleteProject(projectId: string): Promise<void>;
}

export interface PlanServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  readonly defaultPlan: PlanName;
}

const subjectOf = (projectId: string): string => `plan:${projectId}`;

export function createPlanService(options: PlanServiceOptions): PlanService {
  const { clock, changes, audit, defaultPlan } = options;
  const sql = options.sql.withTables<PlanTables>();

  async function chosen(db: Kysely<PlanTables>, projectId: string): Promise<PlanName | null> {
    const row = await db
      .selectFrom("project_plans")
      .select("plan")
      .where("project_id", "=", projectId)
      .executeTakeFirst();
    // A plan that this version does not know any more counts like none.
    return planNameSchema.safeParse(row?.plan).data ?? null;
  }

  const lookup = createCachedLookup<PlanName>({
    clock,
    changes,
    find: async (projectId) => ({
      value: (await chosen(sql.db, projectId)) ?? defaultPlan,
      expiresAtMs: null,
      subjects: [subjectOf(projectId)],
    }),
  });

  return {
    of(projectId) {
      const found = lookup.find(projectId);
      return found instanceof Promise ? found.then((plan) => PLANS[plan ?? defaultPlan]) : PLANS[found ?? defaultPlan];
    },
    async describe(projectId) {
      const plan = await chosen(sql.db, projectId);
      return { plan: plan ?? defaultPlan, isDefault: plan === null };
    },
    async set({ id, organisationId }, plan) {
      await changes.commit(sql, [subjectOf(id)], async (trx) => {
        const before = await chosen(trx, id);
        await trx.deleteFrom("project_plans").where("project_id", "=", id).execute();
        if (plan !== null) {
          await trx.insertInto("project_plans").values({ project_id: id, plan, updated_at: clock.now() }).execute();
        }
        await audit.record(trx, {
          action: "project.plan_changed",
          target: { kind: "project", id },
          projectId: id,
          organisationId,
          before: { plan: before },
          after: { plan },
        });
      });
    },
    async deleteProject(projectId) {
      await sql.db.deleteFrom("project_plans").where("project_id", "=", projectId).execute();
    },
  };
}
