import { AerostackError, type QueueConsumerConfig } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";

/** A message as the data host leases it; `body` is base64 of the content type's encoding. */
export interface LeasedMessage {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
  readonly attempts: number;
  readonly contentType: string;
  readonly body: string;
}

/** What a function's `queue()` said of a batch: the runtime's own words for ack and retry. */
export interface QueueOutcome {
  readonly outcome: string;
  /** What it failed with, in user code's words: a line of at most 1 KB. */
  readonly error: string | null;
  readonly ackAll: boolean;
  readonly retryBatch: { readonly retry: boolean; readonly delaySeconds?: number };
  readonly explicitAcks: readonly string[];
  readonly retryMessages: readonly { readonly msgId: string; readonly delaySeconds?: number }[];
}

export interface QueueSettlement {
  readonly acks: readonly string[];
  readonly retries: readonly QueueRetry[];
}

export interface QueueRetry {
  readonly id: string;
  readonly delaySeconds?: number;
  /** Why it comes again, for the record of a job. */
  readonly error?: string;
  /** It does not come again: it is given up, as after its last attempt. */
  readonly isFinal?: true;
}

/** Who consumes a queue. */
export interface QueueConsumer {
  readonly projectId: string;
  /** The queue as the data host names it. */
  readonly storedQueue: string;
  readonly deadLetterQueue: string | undefined;
  readonly config: QueueConsumerConfig;
}

export interface QueueDispatcherOptions<Consumer extends QueueConsumer> {
  readonly clock: Clock;
  readonly findConsumer: (projectId: string, storedQueue: string) => Promise<Consumer | null>;
  readonly lease: (consumer: Consumer, maxMessages: number, leaseMs: number) => Promise<readonly LeasedMessage[]>;
  readonly settle: (consumer: Consumer, settlement: QueueSettlement) => Promise<void>;
  /** Hands the messages over, and tells what becomes of each. Rejects when the consumer was not reached. */
  readonly deliver: (consumer: Consumer, messages: readonly LeasedMessage[]) => Promise<QueueSettlement>;
  /** Messages that could be delivered now; counting may stop at some bound. */
  readonly availableCount: (projectId: string, storedQueue: string) => Promise<number>;
  /** When the queue's next message becomes available (ms), null when it is empty. */
  readonly nextDueAt: (projectId: string, storedQueue: string) => Promise<number | null>;
  readonly onError: (error: unknown, consumer: { projectId: string; storedQueue: string }) => void;
  /** Longest delivery of a batch plus what it takes to settle it. */
  readonly leaseMs: number;
}

export interface QueueDispatcher {
  /** The queue may have something to deliver. */
  wake(projectId: string, storedQueue: string): void;
  /** Stops leasing and resolves when the batches in delivery are settled. */
  close(): Promise<void>;
}

/** Batches of one queue in delivery at once. */
const MAX_CONCURRENT_BATCHES = 4;
/** After a failure that is not the function's (the runtime or the data host is away). */
const FAILURE_PAUSE_MS = 1000;
/** Longest sleep of a timer; a later message simply makes it look again. */
const MAX_SLEEP_MS = 60 * 60 * 1000;

interface QueueState {
  readonly projectId: string;
  readonly storedQueue: string;
  inDelivery: number;
  pumping: boolean;
  wakeAgain: boolean;
  /** Since when an incomplete batch has waited for more messages. */
  collectingSince: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * What to do with each message of a batch, by the rules of Cloudflare Queues: an explicit word wins over the batch's.
 *
 * @param delayOf seconds until a message comes again of which the function says nothing more
 */
export function settlementOf(
  messages: readonly LeasedMessage[],
  outcome: QueueOutcome,
  delayOf: (message: LeasedMessage) => number,
): QueueSettlement {
  const acked = new Set(outcome.explicitAcks);
  const retried = new Map(outcome.retryMessages.map((message) => [message.msgId, message.delaySeconds]));
  const succeeded = outcome.outcome === "ok";
  const acks: string[] = [];
  const error = succeeded ? "The function asked for it to be delivered again." : describeFailure(outcome);
  const retries: QueueRetry[] = [];
  for (const message of messages) {
    const { id } = message;
    if (retried.has(id)) retries.push({ id, delaySeconds: retried.get(id) ?? delayOf(message), error });
    else if (acked.has(id) || outcome.ackAll) acks.push(id);
    else if (outcome.retryBatch.retry)
      retries.push({ id, delaySeconds: outcome.retryBatch.delaySeconds ?? delayOf(message), error });
    else if (succeeded) acks.push(id);
    else retries.push({ id, delaySeconds: delayOf(message), error });
  }
  return { acks, retries };
}

function describeFailure({ outcome, error }: QueueOutcome): string {
  return error === null ? `queue() ended with '${outcome}'.` : `queue() failed with ${error}`;
}

/**
 * Brings queued messages to whoever consumes them, at least once. The queue lives in the data host; here is only
 * who is being served at the moment, so any node can take over when a lease ends.
 */
export function createQueueDispatcher<Consumer extends QueueConsumer>(
  options: QueueDispatcherOptions<Consumer>,
): QueueDispatcher {
  const states = new Map<string, QueueState>();
  const deliveries = new Set<Promise<void>>();
  let closed = false;

  function stateOf(projectId: string, storedQueue: string): QueueState {
    const key = `${projectId}/${storedQueue}`;
    let state = states.get(key);
    if (state === undefined) {
      state = {
        projectId,
        storedQueue,
        inDelivery: 0,
        pumping: false,
        wakeAgain: false,
        collectingSince: undefined,
        timer: undefined,
      };
      states.set(key, state);
    }
    return state;
  }

  function sleep(state: QueueState, ms: number): void {
    clearTimeout(state.timer);
    if (closed) return;
    state.timer = setTimeout(() => pump(state), Math.min(Math.max(ms, 0), MAX_SLEEP_MS));
    state.timer.unref();
  }

  function pump(state: QueueState): void {
    if (closed) return;
    if (state.pumping) {
      state.wakeAgain = true;
      return;
    }
    state.pumping = true;
    const run = fill(state)
      .catch((error: unknown) => {
        options.onError(error, state);
        sleep(state, FAILURE_PAUSE_MS);
      })
      .finally(() => {
        state.pumping = false;
        deliveries.delete(run);
        if (state.wakeAgain) {
          state.wakeAgain = false;
          pump(state);
        }
      });
    deliveries.add(run);
  }

  async function fill(state: QueueState): Promise<void> {
    const consumer = await options.findConsumer(state.projectId, state.storedQueue);
    if (consumer === null) {
      states.delete(`${state.projectId}/${state.storedQueue}`);
      return;
    }
    if (await waitsForMore(state, consumer)) return;
    while (!closed && state.inDelivery < MAX_CONCURRENT_BATCHES) {
      const messages = await options.lease(consumer, consumer.config.maxBatchSize, options.leaseMs);
      if (messages.length === 0) break;
      startDelivery(state, consumer, messages);
      if (messages.length < consumer.config.maxBatchSize) break;
    }
    if (state.inDelivery < MAX_CONCURRENT_BATCHES) await sleepUntilDue(state, consumer);
    else state.wakeAgain = false;
  }

  /** An incomplete batch waits for more messages, as long as its consumer says; true while it does. */
  async function waitsForMore(state: QueueState, consumer: Consumer): Promise<boolean> {
    const { maxBatchSize, maxBatchTimeoutSeconds } = consumer.config;
    if (maxBatchTimeoutSeconds === 0) return false;
    const available = await options.availableCount(state.projectId, state.storedQueue);
    if (available > 0 && available < maxBatchSize) {
      const now = options.clock.now();
      state.collectingSince ??= now;
      const left = state.collectingSince + maxBatchTimeoutSeconds * 1000 - now;
      if (left > 0) {
        sleep(state, left);
        return true;
      }
    }
    state.collectingSince = undefined;
    return false;
  }

  async function sleepUntilDue(state: QueueState, consumer: Consumer): Promise<void> {
    const due = await options.nextDueAt(state.projectId, state.storedQueue);
    if (due === null) {
      if (state.inDelivery === 0 && !state.wakeAgain) states.delete(`${state.projectId}/${state.storedQueue}`);
      return;
    }
    const wait = due - options.clock.now();
    sleep(state, wait > 0 ? wait : consumer.config.maxBatchTimeoutSeconds * 1000);
  }

  function startDelivery(state: QueueState, consumer: Consumer, messages: readonly LeasedMessage[]): void {
    state.inDelivery++;
    const run = options
      .deliver(consumer, messages)
      .then((settlement) => options.settle(consumer, settlement))
      .catch(async (error: unknown) => {
        options.onError(error, state);
        // The consumer never answered (crash, limit): all of the batch is tried again and counts as an attempt.
        const delaySeconds = Math.max(consumer.config.retryDelaySeconds, FAILURE_PAUSE_MS / 1000);
        const why =
          error instanceof AerostackError ? `${error.code}: ${error.message}` : "The consumer was not reached.";
        const retries = messages.map(({ id }) => ({ id, delaySeconds, error: why }));
        await options.settle(consumer, { acks: [], retries });
      })
      // A settlement that fails leaves the lease to run out: the messages come again.
      .catch((error: unknown) => options.onError(error, state))
      .finally(() => {
        state.inDelivery--;
        deliveries.delete(run);
        pump(state);
      });
    deliveries.add(run);
  }

  return {
    wake(projectId, storedQueue) {
      if (!closed) pump(stateOf(projectId, storedQueue));
    },
    async close() {
      closed = true;
      for (const state of states.values()) clearTimeout(state.timer);
      while (deliveries.size > 0) await Promise.allSettled(deliveries);
    },
  };
}
