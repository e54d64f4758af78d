import { z } from "zod";

// The data plane's jobs: the shapes that existing clients send and read.

export const JOB_STATUSES = ["queued", "processing", "completed", "failed", "cancelled"] as const;
export const MAX_JOBS_LIMIT = 200;
const MAX_DELAY_SECONDS = 86_400;

export const jobRecordSchema = z.object({
  id: z.string(),
  type: z.string(),
  data: z.unknown(),
  status: z.enum(JOB_STATUSES),
  projectId: z.string(),
  createdAt: z.iso.datetime(),
  /** Deliveries so far. */
  attempts: z.int(),
  completedAt: z.iso.datetime().optional(),
  /** Of the last attempt that failed. */
  error: z.string().optional(),
});
export type JobStatus = (typeof JOB_STATUSES)[number];
export type JobRecord = z.infer<typeof jobRecordSchema>;

export const enqueueRequestSchema = z.object({
  type: z.string().min(1).max(200),
  data: z.record(z.string(), z.unknown()),
  delay: z.int().min(0).max(MAX_DELAY_SECONDS).nullish().describe("Seconds until it is delivered."),
  dedupeKey: z
    .string()
    .min(1)
    .max(200)
    .nullish()
    .describe("Two jobs with one key are one, for a day from the first one's enqueueing."),
});
export const enqueueResponseSchema = z.object({ jobId: z.string(), success: z.literal(true) });

export const jobRequestSchema = z.object({ jobId: z.string().min(1).max(100) });
export const jobResponseSchema = z.object({ job: jobRecordSchema.nullable(), exists: z.boolean() });

export const listJobsRequestSchema = z.object({
  status: z.enum(JOB_STATUSES).nullish(),
  type: z.string().min(1).max(200).nullish(),
  limit: z.int().min(1).max(MAX_JOBS_LIMIT).nullish().describe("50 unless given."),
  cursor: z.string().nullish(),
});
export const listJobsResponseSchema = z.object({
  jobs: z.array(jobRecordSchema),
  list_complete: z.boolean(),
  cursor: z.string().optional(),
});

export const cancelJobResponseSchema = z.object({
  success: z.boolean(),
  /** Why it is too late, or what may still happen. */
  note: z.string().optional(),
});

export const invokeRequestSchema = z.object({
  serviceName: z.string().min(1).max(100),
  data: z.record(z.string(), z.unknown()).nullish(),
});
export const invokeResponseSchema = z.object({ success: z.literal(true), result: z.unknown() });

/** What a function's SDK sends where it has no binding. */
export const rpcRequestSchema = z.object({
  method: z.string().min(1).max(100),
  args: z.array(z.unknown()).max(20).default([]),
  projectId: z.string().max(100).nullish(),
});
