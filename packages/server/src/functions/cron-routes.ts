import {
  AerostackError,
  functionParamsSchema,
  listCronsResponseSchema,
  projectParamsSchema,
  runCronRequestSchema,
  runCronResponseSchema,
} from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { nextCronRun } from "./cron-scheduler.ts";
import type { CronStore } from "./cron-store.ts";
import type { EventDelivery } from "./event-delivery.ts";

export interface CronRoutesOptions {
  readonly crons: CronStore;
  readonly delivery: Pick<EventDelivery, "runNow">;
  readonly clock: Clock;
}

const TAG = "Functions";

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** When functions' crons run next, how they ran last, and running one now. */
export function createCronRoutes({ crons, delivery, clock }: CronRoutesOptions): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/crons",
      summary: "List crons with their next and last runs",
      tag: TAG,
      auth: "management",
      permission: "functions.read",
      params: projectParamsSchema,
      response: { status: 200, schema: listCronsResponseSchema },
      async handler({ project }) {
        const triggers = (await crons.listTriggers()).filter((trigger) => trigger.projectId === project.id);
        const rows = triggers.map(async (trigger) => {
          const next = nextCronRun(trigger.cron, clock.now());
          const last = await crons.lastRun(trigger);
          return {
            function: trigger.functionName,
            env: trigger.environment,
            cron: trigger.cron,
            nextRunAt: next === null ? null : isoTime(next),
            lastRun:
              last === null ? null : { scheduledAt: isoTime(last.scheduledAt), status: last.status, error: last.error },
          };
        });
        return { crons: await Promise.all(rows), nextCursor: null };
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/functions/:function/crons/run",
      summary: "Run a cron's function now",
      tag: TAG,
      auth: "management",
      permission: "functions.invoke",
      params: functionParamsSchema,
      body: runCronRequestSchema,
      response: { status: 200, schema: runCronResponseSchema },
      errors: ["FUNCTION_NOT_FOUND", "FUNCTION_CRASHED"],
      async handler({ project, params, body }) {
        const triggers = await crons.listTriggers();
        const trigger = triggers.find(
          (one) =>
            one.projectId === project.id &&
            one.functionName === params.function &&
            one.environment === body.env &&
            one.cron === body.cron,
        );
        if (trigger === undefined) {
          throw new AerostackError("NOT_FOUND", { message: `'${params.function}' has no cron '${body.cron}'.` });
        }
        await delivery.runNow(trigger);
        return { outcome: "ok" };
      },
    }),
  ];
}
