import { splitStatements } from "@aerostack/datahost";
import type { Clock } from "@aerostack/kernel";
import { createCacheRoutes } from "../cache/routes.ts";
import type { createCacheService } from "../cache/service.ts";
import { createMigrations } from "../database/migrations.ts";
import { createDatabaseRoutes } from "../database/routes.ts";
import type { createDatabaseService } from "../database/service.ts";
import type { Route } from "../edge/define-route.ts";
import type { Functions } from "../functions/create-functions.ts";
import { createCronRoutes } from "../functions/cron-routes.ts";
import { createFunctionRoutes } from "../functions/routes.ts";
import { createSecretRoutes } from "../functions/secret-routes.ts";
import type { Logs } from "../logs/create-logs.ts";
import { createLogRoutes } from "../logs/routes.ts";
import type { FindProject } from "../projects/find-project.ts";
import { createQueueEndpointRoutes } from "../queue/endpoints/routes.ts";
import type { QueueEndpoints } from "../queue/endpoints/service.ts";
import { createJobRoutes } from "../queue/job-routes.ts";
import type { Jobs } from "../queue/jobs.ts";
import { createQueueRoutes } from "../queue/routes.ts";
import type { createQueueService } from "../queue/service.ts";

/** A capability that brings its routes with it. */
interface WithRoutes {
  readonly routes: readonly Route[];
}

export interface ProjectRoutesParts {
  readonly clock: Clock;
  readonly findProject: FindProject;
  readonly functions: Functions;
  readonly logs: Logs;
  readonly databases: ReturnType<typeof createDatabaseService>;
  readonly cache: ReturnType<typeof createCacheService>;
  readonly queues: ReturnType<typeof createQueueService>;
  readonly endpoints: QueueEndpoints;
  readonly jobs: Jobs;
  readonly endUsers: WithRoutes;
  readonly realtime: WithRoutes;
  readonly collections: WithRoutes;
  readonly storage: WithRoutes;
  readonly functionUrl: (slug: string, name: string, environment: string) => string;
}

/** Everything below `/api` that manages what a project has; what a project's own users call there is among it. */
export function createProjectRoutes(parts: ProjectRoutesParts): Route[] {
  const { clock, findProject, functions, logs, databases, queues, endpoints, functionUrl } = parts;
  const { bundles, crons, delivery } = functions;
  const migrations = createMigrations({
    databases,
    clock,
    splitStatements: (text) => splitStatements(text).map(({ sql }) => sql),
  });
  return [
    ...createFunctionRoutes({ functions: functions.service, bundles, findProject, functionUrl }),
    ...createSecretRoutes({ functions: functions.service }),
    ...createCronRoutes({ crons, delivery, clock }),
    ...createLogRoutes({ store: logs.store, tail: logs.tail, flush: logs.buffer.flush }),
    ...createDatabaseRoutes({ databases, migrations }),
    ...parts.endUsers.routes,
    ...parts.realtime.routes,
    ...parts.collections.routes,
    ...createCacheRoutes({ cache: parts.cache }),
    ...parts.storage.routes,
    ...createJobRoutes({ jobs: parts.jobs }),
    ...createQueueEndpointRoutes({ endpoints }),
    ...createQueueRoutes({
      queues,
      endpoints,
      consumerOf: async (projectId, queue) => (await delivery.findConsumer(projectId, queue))?.functionName ?? null,
    }),
  ];
}
