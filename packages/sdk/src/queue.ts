import type { Connection } from "./connection.ts";

export type JobStatus = "queued" | "processing" | "completed" | "failed" | "cancelled";

export interface Job<Data = unknown> {
  readonly id: string;
  readonly type: string;
  readonly data: Data;
  readonly status: JobStatus;
  readonly createdAt: string;
  readonly attempts?: number;
  readonly completedAt?: string;
  readonly error?: string;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  readonly list_complete: boolean;
  readonly cursor?: string;
}

/** A project's job queue; needs a secret key. */
export function createQueue(connection: Connection) {
  const call = <Answer>(operation: string, json: unknown, isRepeatable = true): Promise<Answer> =>
    connection.json<Answer>({ path: `/v1/queue/${operation}`, json, isRepeatable });

  return {
    /**
     * Hands a job to whoever consumes the queue and gives its id. `delay` in seconds. Two jobs with one `dedupeKey` are
     * one, for a day.
     */
    async enqueue(
      type: string,
      data: Readonly<Record<string, unknown>>,
      options: { readonly delay?: number; readonly dedupeKey?: string } = {},
    ): Promise<string> {
      const isRepeatable = options.dedupeKey !== undefined;
      return (await call<{ jobId: string }>("enqueue", { type, data, ...options }, isRepeatable)).jobId;
    },
    /** The job's record, kept for seven days, or null. */
    async job<Data = unknown>(jobId: string): Promise<Job<Data> | null> {
      return (await call<{ job: Job<Data> | null }>("job", { jobId })).job;
    },
    async jobs(
      options: {
        readonly status?: JobStatus;
        readonly type?: string;
        readonly limit?: number;
        readonly cursor?: string;
      } = {},
    ): Promise<JobPage> {
      return await call<JobPage>("jobs", options);
    },
    /** Keeps a job that has not begun from being delivered; false, with the reason in `note`, where it is too late. */
    async cancel(jobId: string): Promise<{ readonly success: boolean; readonly note?: string }> {
      return await call("cancel", { jobId });
    },
  };
}

export type Queue = ReturnType<typeof createQueue>;
