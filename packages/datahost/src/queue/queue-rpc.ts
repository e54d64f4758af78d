import { AerostackError } from "@aerostack/contracts/errors";
import type { Clock } from "@aerostack/kernel";
import { decodeCursor, encodeCursor } from "../state/cursor.ts";
import { refusalsAsErrors } from "../state/refusal.ts";
import { checkResourceName, fromRpcBytes, type RpcBytes, refuseField } from "../state/rpc-values.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { encodeMessageId } from "./message-id.ts";
import type { QueueName } from "./pending-queues.ts";
import { checkBatch, checkContentType, checkDelay } from "./queue-checks.ts";
import { MAX_LEASE_MESSAGES, MAX_LEASE_MS, MAX_PEEK_MESSAGES, MAX_SETTLE_MESSAGES } from "./queue-limits.ts";
import type { QueueContentType, QueueMetrics } from "./queue-message.ts";
import { type QueueRow, queueStatements } from "./queue-statements.ts";
import { metricsOf, type RetryPolicy, type SettleResult } from "./queue-store.ts";
import type { Queues } from "./queues.ts";

export interface QueueSend {
  /** Text stands for its UTF-8 bytes. */
  readonly body: string | RpcBytes;
  /** Default json, so a text body must then be JSON. */
  readonly contentType?: QueueContentType;
  readonly delaySeconds?: number;
}

/** A delivery. */
export interface QueueLease {
  readonly id: string;
  /** When it was sent; milliseconds since the epoch. */
  readonly timestamp: number;
  /** Deliveries, this one included. */
  readonly attempts: number;
  readonly contentType: QueueContentType;
  /** Base64. */
  readonly body: string;
}

/** A message as people look at it, without taking it. */
export interface QueuePeek extends QueueLease {
  /** From when it may be delivered; later than now while it is delayed or leased. */
  readonly visibleAt: number;
  readonly leased: boolean;
  /** The queue that gave it up, for a dead letter. */
  readonly deadFrom: string | null;
}

export interface QueueInfo {
  readonly name: string;
  readonly createdAt: number;
  /** Messages that are not acknowledged yet, and the bytes of their bodies. */
  readonly backlogCount: number;
  readonly backlogBytes: number;
  /** Since the queue was first used. */
  readonly sentCount: number;
  readonly ackedCount: number;
  readonly retriedCount: number;
  readonly deadLetteredCount: number;
  readonly droppedCount: number;
}

export interface QueueStats extends QueueInfo {
  /** That could be delivered now; counted up to a bound. */
  readonly availableCount: number;
  /** Milliseconds since the epoch; null where the queue is empty. */
  readonly oldestMessageAt: number | null;
  readonly nextDueAt: number | null;
}

export interface RetryParams {
  /** Without it a message is tried for ever. */
  readonly maxRetries?: number;
  readonly deadLetterQueue?: string | null;
}

export interface QueueRetryParams {
  readonly id: string;
  readonly delaySeconds?: number;
  readonly error?: string;
  /** It is given up at once, with a policy; else it is tried as any other. */
  readonly isFinal?: boolean;
}

/** Counting further would keep the event loop for too long. */
const MAX_COUNTED_MESSAGES = 100_000;

export interface QueueRpcOptions {
  readonly queues: Queues;
  readonly states: StateDatabases;
  readonly clock: Clock;
}

/** Queue calls of the server, which delivers to functions, and of the CLI. */
export function createQueueRpc({ queues, states, clock }: QueueRpcOptions) {
  return {
    "queue.send": guarded(
      async (
        params: QueueName & { messages: readonly QueueSend[] },
      ): Promise<{ ids: string[]; metrics: QueueMetrics }> => {
        const messages = params.messages.map((message) => ({
          body: fromRpcBytes(message.body),
          contentType: checkContentType(message.contentType ?? "json"),
          delayMs: checkDelay(message.delaySeconds ?? 0),
        }));
        checkBatch(messages);
        return queues.send(nameIn(params), messages);
      },
    ),

    "queue.lease": guarded(
      async (params: QueueName & RetryParams & { maxMessages: number; leaseMs: number }): Promise<QueueLease[]> => {
        checkRange(params.maxMessages, 1, MAX_LEASE_MESSAGES, "maxMessages");
        checkRange(params.leaseMs, 1, MAX_LEASE_MS, "leaseMs");
        const options = { max: params.maxMessages, leaseMs: params.leaseMs, policy: policyOf(params) };
        const messages = await queues.lease(nameIn(params), options);
        return messages.map((message) => ({ ...message, body: message.body.toString("base64") }));
      },
    ),

    /** Acknowledged messages are gone for good; retried ones come again, or go the way that the policy names. */
    "queue.settle": guarded(
      async (
        params: QueueName &
          RetryParams & {
            acks?: readonly string[];
            retries?: readonly QueueRetryParams[];
          },
      ): Promise<SettleResult> => {
        const { acks = [], retries = [] } = params;
        checkRange(acks.length + retries.length, 0, MAX_SETTLE_MESSAGES, "acks");
        return queues.settle(nameIn(params), {
          acks,
          retries: retries.map(({ id, delaySeconds, error, isFinal }) => ({
            id,
            delayMs: checkDelay(delaySeconds ?? 0),
            error,
            isFinal: isFinal === true,
          })),
          policy: policyOf(params),
        });
      },
    ),

    /** Milliseconds since the epoch; now or earlier where something is available, null where the queue is empty. */
    "queue.nextDue": guarded((params: QueueName): number | null => queues.nextDueAt(nameIn(params)) ?? null),

    /** Queues of all projects that have messages. */
    "queue.pending": (): (QueueName & { nextDueAt: number })[] =>
      queues.pending().map(({ name, dueAt }) => ({ ...name, nextDueAt: dueAt })),

    "queue.stats": guarded((params: QueueName): QueueStats => {
      const db = states.read(params.projectId);
      const row = queueStatements(db).queue.get(params.queue);
      if (row === undefined) throw notFound(params.queue);
      const available = queueStatements(db).countAvailable.get(params.queue, clock.now(), MAX_COUNTED_MESSAGES);
      const oldest = metricsOf(db, params.queue).oldestMessageTimestamp;
      return {
        ...infoOf(row),
        availableCount: available ?? 0,
        oldestMessageAt: oldest === 0 ? null : oldest,
        nextDueAt: queues.nextDueAt(nameIn(params)) ?? null,
      };
    }),

    "queue.list": (params: { projectId: string }): { queues: QueueInfo[] } => ({
      queues: queueStatements(states.read(params.projectId)).queues.all().map(infoOf),
    }),

    /** The oldest first. */
    "queue.peek": guarded(
      (
        params: QueueName & { limit?: number; cursor?: string | null },
      ): { messages: QueuePeek[]; cursor: string | null } => {
        const limit = params.limit ?? MAX_PEEK_MESSAGES;
        checkRange(limit, 1, MAX_PEEK_MESSAGES, "limit");
        const [sentAt, seq] = readCursor(params.cursor);
        const statements = queueStatements(states.read(params.projectId));
        const rows = statements.peek.all(params.queue, sentAt, seq, limit + 1);
        const page = rows.slice(0, limit);
        const last = page.at(-1);
        const now = clock.now();
        return {
          messages: page.map((row) => ({
            id: encodeMessageId(row),
            timestamp: row.sent_at,
            attempts: row.attempts,
            contentType: row.content_type,
            body: (statements.body.get(row.seq) ?? Buffer.alloc(0)).toString("base64"),
            visibleAt: row.visible_at,
            leased: row.leased === 1 && row.visible_at > now,
            deadFrom: row.dead_from,
          })),
          cursor: rows.length > limit && last !== undefined ? encodeCursor([last.sent_at, last.seq]) : null,
        };
      },
    ),

    /** Without `to`, each dead letter goes back to the queue that gave it up. */
    "queue.redrive": refusalsAsErrors(
      async (params: { projectId: string; from: string; to?: string | null }): Promise<{ moved: number }> => {
        checkResourceName(params.from, "from");
        const to = params.to ?? undefined;
        if (to !== undefined) checkResourceName(to, "to");
        if (to === params.from) refuseField("to", "Messages are in this queue already.");
        return { moved: await queues.redrive(params.projectId, params.from, to) };
      },
    ),

    "queue.purge": guarded(
      async (params: QueueName): Promise<{ purged: number }> => ({
        purged: await queues.purge(nameIn(params)),
      }),
    ),
  };
}

const nameIn = ({ projectId, queue }: QueueName): QueueName => ({ projectId, queue });

/** Checks the queue's name, and turns a refusal into the platform's error. */
function guarded<Params extends QueueName, Result>(handler: (params: Params) => Result): (params: Params) => Result {
  return refusalsAsErrors((params: Params) => {
    checkResourceName(params.queue, "queue");
    return handler(params);
  });
}

function policyOf(params: QueueName & RetryParams): RetryPolicy | undefined {
  if (params.maxRetries === undefined) return undefined;
  const deadLetterQueue = params.deadLetterQueue ?? undefined;
  if (deadLetterQueue !== undefined) checkResourceName(deadLetterQueue, "deadLetterQueue");
  if (deadLetterQueue === params.queue) refuseField("deadLetterQueue", "A queue cannot be its own dead-letter queue.");
  return { maxRetries: params.maxRetries, deadLetterQueue };
}

function infoOf(row: QueueRow): QueueInfo {
  return {
    name: row.name,
    createdAt: row.created_at,
    backlogCount: row.backlog_count,
    backlogBytes: row.backlog_bytes,
    sentCount: row.sent_count,
    ackedCount: row.acked_count,
    retriedCount: row.retried_count,
    deadLetteredCount: row.dead_lettered_count,
    droppedCount: row.dropped_count,
  };
}

function readCursor(cursor: string | null | undefined): [sentAt: number, seq: number] {
  if (cursor === null || cursor === undefined) return [-1, 0];
  const [sentAt, seq] = decodeCursor(cursor) ?? [];
  if (typeof sentAt !== "number" || typeof seq !== "number") refuseField("cursor", "The cursor is not valid.");
  return [sentAt, seq];
}

function checkRange(value: number, min: number, max: number, field: string): void {
  if (!Number.isInteger(value) || value < min || value > max)
    refuseField(field, `Between ${min} and ${max} are allowed.`);
}

function notFound(queue: string): AerostackError {
  return new AerostackError("NOT_FOUND", { message: `There is no queue '${queue}'.` });
}
