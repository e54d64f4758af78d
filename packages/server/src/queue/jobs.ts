import { AerostackError, type JobRecord, type JobStatus } from "@aerostack/contracts";
import type { StoredJob } from "@aerostack/datahost";
import type { HostCall } from "../kernel/host-call.ts";

export interface JobsPage {
  readonly jobs: readonly JobRecord[];
  readonly cursor: string | null;
}

export interface NewJob {
  readonly type: string;
  readonly data: unknown;
  readonly delaySeconds?: number | undefined;
  readonly dedupeKey?: string | undefined;
}

/** The queue that functions find as `env.QUEUE` unless they bind another. */
const QUEUE = "default";
const NOTES: Readonly<Record<JobStatus, string | undefined>> = {
  queued: undefined,
  processing: "The job is being worked at: it may come to its end, but it is not tried again.",
  completed: "The job has completed already.",
  failed: "The job has failed already.",
  cancelled: "The job was cancelled already.",
};

/** A project's jobs: messages of its queue whose way is written down, for seven days after their end. */
export function createJobs(call: HostCall) {
  const scope = (projectId: string) => ({ projectId, queue: QUEUE });
  const shown = (projectId: string, job: StoredJob): JobRecord => ({
    id: job.id,
    type: job.type,
    data: JSON.parse(job.data),
    status: job.status,
    projectId,
    createdAt: new Date(job.createdAt).toISOString(),
    attempts: job.attempts,
    ...(job.completedAt === null ? {} : { completedAt: new Date(job.completedAt).toISOString() }),
    ...(job.error === null ? {} : { error: job.error }),
  });

  return {
    /** @returns the id of the job, or of the one that its key stands for. @throws QUEUE_MESSAGE_TOO_LARGE */
    async enqueue(projectId: string, { type, data, delaySeconds, dedupeKey }: NewJob): Promise<string> {
      const { id } = await call<{ id: string }>("queue.enqueue", {
        ...scope(projectId),
        type,
        data: JSON.stringify(data ?? null),
        delaySeconds: delaySeconds ?? 0,
        dedupeKey: dedupeKey ?? null,
      });
      return id;
    },

    async find(projectId: string, id: string): Promise<JobRecord | null> {
      const job = await call<StoredJob | null>("queue.job", { ...scope(projectId), id });
      return job === null ? null : shown(projectId, job);
    },

    /** The newest first. */
    async list(
      projectId: string,
      page: {
        readonly status: JobStatus | null;
        readonly type: string | null;
        readonly limit: number;
        readonly cursor: string | null;
      },
    ): Promise<JobsPage> {
      const { jobs, cursor } = await call<{ jobs: StoredJob[]; cursor: string | null }>("queue.jobs", {
        ...scope(projectId),
        ...page,
      });
      return { jobs: jobs.map((job) => shown(projectId, job)), cursor };
    },

    /** @throws NOT_FOUND */
    async cancel(projectId: string, id: string): Promise<{ readonly success: boolean; readonly note?: string }> {
      const { was } = await call<{ was: JobStatus | null }>("queue.cancel", { ...scope(projectId), id });
      if (was === null) throw new AerostackError("NOT_FOUND", { message: `There is no job '${id}'.` });
      const note = NOTES[was];
      return { success: was === "queued" || was === "processing", ...(note === undefined ? {} : { note }) };
    },
  };
}

export type Jobs = ReturnType<typeof createJobs>;
