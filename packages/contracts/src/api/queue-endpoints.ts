import { z } from "zod";
import { resourceNameSchema } from "../deploy-config.ts";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";
import { JOB_STATUSES, jobRecordSchema } from "./jobs.ts";
import { projectParamsSchema } from "./projects.ts";

// Endpoints that a queue's messages are posted to, and its jobs as the CLI and the dashboard see them.

export const MAX_ENDPOINT_URL_CHARACTERS = 2000;
export const MAX_ENDPOINT_RETRIES = 30;
/** Deliveries after the first are spread over about a day. */
export const DEFAULT_ENDPOINT_RETRIES = 15;

export const queueEndpointSchema = z.object({
  queue: z.string(),
  url: z.string(),
  maxRetries: z.int().describe("Deliveries after the first"),
  deadLetterQueue: z.string().describe("Where a message goes that nobody took"),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type QueueEndpoint = z.infer<typeof queueEndpointSchema>;

export const putQueueEndpointRequestSchema = z.object({
  url: z.url().max(MAX_ENDPOINT_URL_CHARACTERS).describe("An https:// address that takes POST requests"),
  maxRetries: z.int().min(0).max(MAX_ENDPOINT_RETRIES).default(DEFAULT_ENDPOINT_RETRIES),
  deadLetterQueue: resourceNameSchema.optional().describe("By default the queue's name with `-dead`"),
});
const secretSchema = z.string().describe("Signs deliveries (Standard Webhooks, `whsec_…`)");
export const putQueueEndpointResponseSchema = z.object({
  endpoint: queueEndpointSchema,
  secret: secretSchema.nullable().describe("Shown once, when the endpoint is made; null afterwards"),
});
export const queueEndpointResponseSchema = z.object({ endpoint: queueEndpointSchema });
export const rotatedSecretResponseSchema = z.object({
  secret: secretSchema.describe("The new secret; shown once"),
  previousUntil: timestampSchema.describe("Until then deliveries carry a signature by the old secret too"),
});

export const listManagedJobsQuerySchema = pageQuerySchema.extend({
  status: z.enum(JOB_STATUSES).optional(),
  type: z.string().min(1).max(200).optional(),
});
export const listManagedJobsResponseSchema = z.object({ jobs: z.array(jobRecordSchema), nextCursor: nextCursorSchema });
export const managedJobResponseSchema = z.object({ job: jobRecordSchema });
export const jobParamsSchema = projectParamsSchema.extend({ job: z.string().min(1).max(100) });
