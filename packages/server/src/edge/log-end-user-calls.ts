import { AerostackError } from "@aerostack/contracts";
import type { Hono } from "hono";
import { currentCallContext } from "../kernel/call-context.ts";
import { levelOfStatus } from "../logs/level-of-status.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import type { AppEnv } from "./app-env.ts";

export interface EndUserCallLog {
  readonly now: () => number;
  readonly findProject: (slugOrId: string) => Promise<{ readonly id: string } | undefined>;
  readonly log: (entry: NewLogEntry) => void;
}

const END_USER_PATHS = "/api/v1/public/projects/:project/auth/*";

/**
 * Every call of a project's end users leaves a line in the project's log. Neither what it sent nor what it was answered is
 * in it, and of the address only the path: codes and tokens stand in queries.
 */
export function logEndUserCalls({ now, findProject, log }: EndUserCallLog) {
  return function addEndUserCallLog(app: Hono<AppEnv>): void {
    app.use(END_USER_PATHS, async function logCall(c, next) {
      const time = now();
      const startedAt = performance.now();
      await next();
      const latencyMs = performance.now() - startedAt;
      const project = await findProject(c.req.param("project")).catch(() => undefined);
      if (project === undefined) return;
      const { status } = c.res;
      const context = currentCallContext();
      log({
        projectId: project.id,
        time,
        kind: "request",
        level: levelOfStatus(status),
        message: c.error instanceof AerostackError ? c.error.code : "",
        requestId: c.get("requestId"),
        environment: "production",
        method: c.req.method,
        path: c.req.path,
        status,
        latencyMs,
        ip: context?.ip ?? null,
        region: context?.region ?? null,
      });
    });
  };
}
