import {
  cancelJobResponseSchema,
  enqueueRequestSchema,
  enqueueResponseSchema,
  jobRequestSchema,
  jobResponseSchema,
  listJobsRequestSchema,
  listJobsResponseSchema,
} from "@aerostack/contracts";
import { defineOperation, type Operation } from "../edge/define-operation.ts";
import type { Jobs } from "./jobs.ts";

const DEFAULT_LIST_LIMIT = 50;

/** A project's jobs, for its secret keys. */
export function createJobOperations(jobs: Jobs): Operation[] {
  const common = { method: "post", tag: "Data plane: queue", access: "secret" } as const;
  return [
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/queue/enqueue",
      summary: "Enqueue a job",
      description: "The consumer of the project's queue gets `{type, data, queuedAt}`.",
      body: enqueueRequestSchema,
      response: { status: 201, schema: enqueueResponseSchema },
      errors: ["QUEUE_MESSAGE_TOO_LARGE"],
      async handler({ call, body: { type, data, delay, dedupeKey } }) {
        const job = { type, data, delaySeconds: delay ?? undefined, dedupeKey: dedupeKey ?? undefined };
        return { jobId: await jobs.enqueue(call.projectId, job), success: true as const };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.read",
      path: "/v1/queue/job",
      summary: "Look at a job",
      body: jobRequestSchema,
      response: { status: 200, schema: jobResponseSchema },
      async handler({ call, body }) {
        const job = await jobs.find(call.projectId, body.jobId);
        return { job, exists: job !== null };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.read",
      path: "/v1/queue/jobs",
      summary: "List jobs, the newest first",
      body: listJobsRequestSchema,
      response: { status: 200, schema: listJobsResponseSchema },
      async handler({ call, body: { status, type, limit, cursor } }) {
        const page = await jobs.list(call.projectId, {
          status: status ?? null,
          type: type ?? null,
          limit: limit ?? DEFAULT_LIST_LIMIT,
          cursor: cursor ?? null,
        });
        return {
          jobs: [...page.jobs],
          list_complete: page.cursor === null,
          ...(page.cursor === null ? {} : { cursor: page.cursor }),
        };
      },
    }),
    defineOperation({
      ...common,
      permission: "data.write",
      path: "/v1/queue/cancel",
      summary: "Cancel a job",
      description: "One that has begun may still come to its end; one that has ended is refused with a note.",
      body: jobRequestSchema,
      response: { status: 200, schema: cancelJobResponseSchema },
      errors: ["NOT_FOUND"],
      handler: ({ call, body }) => jobs.cancel(call.projectId, body.jobId),
    }),
  ];
}
