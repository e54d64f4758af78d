import {
  AerostackError,
  cancelJobResponseSchema,
  jobParamsSchema,
  listManagedJobsQuerySchema,
  listManagedJobsResponseSchema,
  managedJobResponseSchema,
  projectParamsSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { Jobs } from "./jobs.ts";

export interface JobRoutesOptions {
  readonly jobs: Jobs;
}

const TAG = "Queues";

/** A project's jobs, as the CLI and the dashboard see them. */
export function createJobRoutes({ jobs }: JobRoutesOptions): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/jobs",
      summary: "List jobs, the newest first",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      query: listManagedJobsQuerySchema,
      response: { status: 200, schema: listManagedJobsResponseSchema },
      async handler({ project, query }) {
        const { status = null, type = null, cursor = null, limit } = query;
        const page = await jobs.list(project.id, { status, type, cursor, limit });
        return { jobs: [...page.jobs], nextCursor: page.cursor };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/jobs/:job",
      summary: "Get a job",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: jobParamsSchema,
      response: { status: 200, schema: managedJobResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        const job = await jobs.find(project.id, params.job);
        if (job === null) throw new AerostackError("NOT_FOUND", { message: `There is no job '${params.job}'.` });
        return { job };
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/jobs/:job/cancel",
      summary: "Cancel a job",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: jobParamsSchema,
      response: { status: 200, schema: cancelJobResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        return await jobs.cancel(project.id, params.job);
      },
    }),
  ];
}
