import { AerostackError } from "@aerostack/contracts";
import type { HostCall } from "../kernel/host-call.ts";

export interface QueueSummary {
  readonly name: string;
  readonly backlogCount: number;
  readonly backlogBytes: number;
  readonly deadLetteredCount: number;
  readonly droppedCount: number;
}

export interface QueueStats extends QueueSummary {
  readonly availableCount: number;
  readonly oldestMessageAt: number | null;
}

/** A delivery: the message stays in the queue until it is settled or the lease runs out. */
export interface LeasedMessage {
  readonly id: string;
  /** When it was sent, ms. */
  readonly timestamp: number;
  readonly attempts: number;
  readonly contentType: string;
  /** Base64. */
  readonly body: string;
}

export interface PeekedMessage extends LeasedMessage {
  /** From when it may be delivered, ms. */
  readonly visibleAt: number;
  readonly leased: boolean;
}

/** When a message that is not acknowledged is given up, and where to. */
export interface RetryPolicy {
  readonly maxRetries: number;
  /** Without one it is dropped, and counted. */
  readonly deadLetterQueue?: string;
}

export interface LeaseRequest {
  readonly maxMessages: number;
  readonly leaseMs: number;
}

export interface QueueRetry {
  readonly id: string;
  readonly delaySeconds?: number;
  readonly error?: string;
  /** Whatever the policy says, this was the last attempt. */
  readonly isFinal?: true;
}

/** A project's queues, which live in the data host: durable, at least once, with dead letters. */
export function createQueueService(call: HostCall) {
  return {
    async send(projectId: string, queue: string, body: unknown, delaySeconds: number): Promise<void> {
      const message = { body: JSON.stringify(body), contentType: "json", delaySeconds };
      await call("queue.send", { projectId, queue, messages: [message] });
    },

    async list(projectId: string): Promise<readonly QueueSummary[]> {
      const { queues } = await call<{ queues: readonly QueueSummary[] }>("queue.list", { projectId });
      return queues;
    },

    async stats(projectId: string, queue: string): Promise<QueueStats> {
      return await call("queue.stats", { projectId, queue });
    },

    async peek(
      projectId: string,
      queue: string,
      page: { readonly limit: number; readonly cursor?: string | undefined },
    ): Promise<{ readonly messages: readonly PeekedMessage[]; readonly cursor: string | null }> {
      return await call("queue.peek", { projectId, queue, ...page });
    },

    async redrive(projectId: string, from: string, to: string | undefined): Promise<number> {
      const { moved } = await call<{ moved: number }>("queue.redrive", { projectId, from, to: to ?? null });
      return moved;
    },

    async purge(projectId: string, queue: string): Promise<number> {
      const { purged } = await call<{ purged: number }>("queue.purge", { projectId, queue });
      return purged;
    },

    /** With the policy, a message whose consumers always vanish is given up too, instead of coming again for ever. */
    async lease(
      projectId: string,
      queue: string,
      request: LeaseRequest & RetryPolicy,
    ): Promise<readonly LeasedMessage[]> {
      return await call("queue.lease", { projectId, queue, ...request });
    },

    async settle(
      projectId: string,
      queue: string,
      settlement: RetryPolicy & {
        readonly acks: readonly string[];
        readonly retries: readonly QueueRetry[];
      },
    ): Promise<void> {
      await call("queue.settle", { projectId, queue, ...settlement });
    },

    /** 0 also for a queue that does not exist yet. */
    async availableCount(projectId: string, queue: string): Promise<number> {
      try {
        const { availableCount } = await call<QueueStats>("queue.stats", { projectId, queue });
        return availableCount;
      } catch (error) {
        if (error instanceof AerostackError && error.code === "NOT_FOUND") return 0;
        throw error;
      }
    },

    async nextDueAt(projectId: string, queue: string): Promise<number | null> {
      return await call("queue.nextDue", { projectId, queue });
    },

    async pending(): Promise<readonly { readonly projectId: string; readonly queue: string }[]> {
      return await call("queue.pending", {});
    },
  };
}

export type QueueService = ReturnType<typeof createQueueService>;
