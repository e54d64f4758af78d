import { deployConfigSchema, type FunctionEnvironment } from "@aerostack/contracts";
import type { Sql } from "../kernel/sql/index.ts";
import type { CronRunRecord, CronRunStatus, CronTrigger } from "./cron-scheduler.ts";
import type { FunctionTables } from "./tables.ts";

export interface CronRun {
  readonly scheduledAt: number;
  readonly status: CronRunStatus;
  readonly error: string | null;
}

const MAX_ERROR_CHARACTERS = 2000;

/** The record of cron runs: what makes each run happen once among all nodes. */
export function createCronStore(sql: Sql<FunctionTables>) {
  const { db } = sql;

  function runsOf(trigger: Pick<CronTrigger, "functionId" | "environment" | "cron">) {
    return db
      .selectFrom("function_cron_runs")
      .where("function_id", "=", trigger.functionId)
      .where("environment", "=", trigger.environment)
      .where("cron", "=", trigger.cron);
  }

  return {
    /** The cron expressions of everything that serves; of two versions the one with the larger share counts. */
    async listTriggers(): Promise<CronTrigger[]> {
      const rows = await db
        .selectFrom("function_activations as a")
        .innerJoin("functions as f", "f.id", "a.function_id")
        .innerJoin("function_versions as v", (join) =>
          join.onRef("v.function_id", "=", "a.function_id").onRef("v.number", "=", "a.version_number"),
        )
        .select(["f.project_id", "f.id", "f.name", "a.environment", "a.percent", "a.activated_at", "v.config"])
        .where("v.config", "not like", '%"crons":[]%')
        .orderBy("a.percent", "desc")
        .execute();
      const seen = new Set<string>();
      return rows.flatMap((row) => {
        const key = `${row.id}/${row.environment}`;
        if (seen.has(key)) return [];
        seen.add(key);
        return deployConfigSchema.parse(JSON.parse(row.config)).crons.map((cron) => ({
          projectId: row.project_id,
          functionId: row.id,
          functionName: row.name,
          environment: row.environment as FunctionEnvironment,
          cron,
          activeSince: row.activated_at,
        }));
      });
    },

    async lastRun(trigger: Pick<CronTrigger, "functionId" | "environment" | "cron">): Promise<CronRun | null> {
      const row = await runsOf(trigger)
        .select(["scheduled_at", "status", "error"])
        .orderBy("scheduled_at", "desc")
        .executeTakeFirst();
      if (row === undefined) return null;
      return { scheduledAt: row.scheduled_at, status: row.status as CronRunStatus, error: row.error };
    },

    async claim({ trigger, scheduledAt, status }: CronRunRecord): Promise<boolean> {
      const result = await db
        .insertInto("function_cron_runs")
        .values({
          function_id: trigger.functionId,
          environment: trigger.environment,
          cron: trigger.cron,
          scheduled_at: scheduledAt,
          status,
          error: null,
          finished_at: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },

    async finish({ trigger, scheduledAt, status, error }: CronRunRecord, now: number): Promise<void> {
      await db
        .updateTable("function_cron_runs")
        .set({ status, error: error?.slice(0, MAX_ERROR_CHARACTERS) ?? null, finished_at: now })
        .where("function_id", "=", trigger.functionId)
        .where("environment", "=", trigger.environment)
        .where("cron", "=", trigger.cron)
        .where("scheduled_at", "=", scheduledAt)
        .execute();
    },
  };
}

export type CronStore = ReturnType<typeof createCronStore>;
