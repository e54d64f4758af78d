import type { JobStatus } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { decodeCursor, encodeCursor } from "../state/cursor.ts";
import { refusalsAsErrors } from "../state/refusal.ts";
import { checkResourceName, refuseField } from "../state/rpc-values.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { findJob, listJobs, type StoredJob } from "./job-store.ts";
import type { QueueName } from "./pending-queues.ts";
import { checkDelay, checkMessageSize } from "./queue-checks.ts";
import type { Queues } from "./queues.ts";

export interface EnqueueParams extends QueueName {
  readonly type: string;
  /** JSON text. */
  readonly data: string;
  readonly delaySeconds?: number;
  readonly dedupeKey?: string | null;
}

export interface CancelResult {
  readonly found: boolean;
  /** What the job was when it was to be cancelled; null where there is none. */
  readonly was: JobStatus | null;
}

const MAX_TYPE_CHARACTERS = 200;
const MAX_DEDUPE_KEY_CHARACTERS = 200;
const MAX_JOBS = 200;

/** Jobs of the server's data plane: messages whose way through the queue is written down with them. */
export function createJobRpc({
  queues,
  states,
  clock,
}: {
  readonly queues: Queues;
  readonly states: StateDatabases;
  readonly clock: Clock;
}) {
  return {
    /** The job that is there already where its key was used before; `isNew` tells which. */
    "queue.enqueue": guarded(async (params: EnqueueParams): Promise<{ id: string; isNew: boolean }> => {
      const { type, data, dedupeKey = null } = params;
      if (type === "" || type.length > MAX_TYPE_CHARACTERS) refuseField("type", "A type has 1 to 200 characters.");
      if (dedupeKey !== null && (dedupeKey === "" || dedupeKey.length > MAX_DEDUPE_KEY_CHARACTERS)) {
        refuseField("dedupeKey", "A key has 1 to 200 characters.");
      }
      const now = clock.now();
      const queuedAt = new Date(now).toISOString();
      const body = Buffer.from(`{"type":${JSON.stringify(type)},"data":${data},"queuedAt":"${queuedAt}"}`);
      checkMessageSize(body.length);
      const delayMs = checkDelay(params.delaySeconds ?? 0);
      return queues.enqueue(nameIn(params), { body, contentType: "json", delayMs }, { type, data, dedupeKey });
    }),

    "queue.job": guarded(
      (params: QueueName & { id: string }): StoredJob | null =>
        findJob(states.read(params.projectId), params.queue, params.id, clock.now()) ?? null,
    ),

    "queue.jobs": guarded(
      (
        params: QueueName & { status: JobStatus | null; type: string | null; limit: number; cursor: string | null },
      ): { jobs: StoredJob[]; cursor: string | null } => {
        if (!Number.isInteger(params.limit) || params.limit < 1 || params.limit > MAX_JOBS) {
          refuseField("limit", `Between 1 and ${MAX_JOBS} are allowed.`);
        }
        const page = { before: readCursor(params.cursor), limit: params.limit };
        const { jobs, last } = listJobs(states.read(params.projectId), params.queue, params, page, clock.now());
        return { jobs, cursor: last === null ? null : encodeCursor([last]) };
      },
    ),

    "queue.cancel": guarded(
      (params: QueueName & { id: string }): Promise<CancelResult> => queues.cancel(nameIn(params), params.id),
    ),
  };
}

const nameIn = ({ projectId, queue }: QueueName): QueueName => ({ projectId, queue });

function guarded<Params extends QueueName, Result>(handler: (params: Params) => Result): (params: Params) => Result {
  return refusalsAsErrors((params: Params) => {
    checkResourceName(params.queue, "queue");
    return handler(params);
  });
}

function readCursor(cursor: string | null): number {
  if (cursor === null) return Number.MAX_SAFE_INTEGER;
  const seq = decodeCursor(cursor)?.[0];
  return typeof seq === "number" && Number.isSafeInteger(seq) ? seq : refuseField("cursor", "It is not one of ours.");
}
