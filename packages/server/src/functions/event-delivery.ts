import { AerostackError, type FunctionEnvironment } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Runtime } from "@aerostack/runtime";
import type { NewLogEntry } from "../logs/log-entry.ts";
import { type Backoff, backoffSeconds } from "../queue/backoff.ts";
import type { EndpointConsumer, QueueEndpoints } from "../queue/endpoints/service.ts";
import type { LeaseRequest, RetryPolicy } from "../queue/service.ts";
import { type CronScheduler, type CronTrigger, createCronScheduler } from "./cron-scheduler.ts";
import type { CronStore } from "./cron-store.ts";
import {
  createQueueDispatcher,
  type LeasedMessage,
  type QueueConsumer,
  type QueueDispatcher,
  type QueueSettlement,
  settlementOf,
} from "./queue-dispatcher.ts";
import { logicalResource, storedResource } from "./resource-names.ts";
import { type RouteTable, type RouteVariant, routeName } from "./route-table.ts";

/** The part of the data host that holds queues. */
export interface QueueStorage {
  lease(projectId: string, queue: string, request: LeaseRequest & RetryPolicy): Promise<readonly LeasedMessage[]>;
  settle(projectId: string, queue: string, settlement: QueueSettlement & RetryPolicy): Promise<void>;
  availableCount(projectId: string, queue: string): Promise<number>;
  nextDueAt(projectId: string, queue: string): Promise<number | null>;
  /** Queues that hold messages, in all projects. */
  pending(): Promise<readonly { readonly projectId: string; readonly queue: string }[]>;
}

/** A function that consumes a queue. */
export interface FunctionConsumer extends QueueConsumer {
  readonly kind: "function";
  readonly functionName: string;
  readonly environment: FunctionEnvironment;
}

type AnyConsumer = FunctionConsumer | EndpointConsumer;

export interface EventDeliveryOptions {
  readonly clock: Clock;
  readonly routes: RouteTable;
  readonly runtime: Runtime;
  readonly crons: CronStore;
  readonly queues: QueueStorage;
  /** Addresses outside that take a queue's messages instead of a function. */
  readonly endpoints: Pick<QueueEndpoints, "findConsumer" | "deliver">;
  /** True: nothing of the project runs, and its messages wait. */
  readonly isPaused: (projectId: string) => Promise<boolean>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: (entry: NewLogEntry) => void;
  readonly onError: (error: unknown, what: string) => void;
}

export interface EventDelivery {
  readonly queues: QueueDispatcher;
  readonly crons: CronScheduler;
  /** The function that consumes a stored queue, or null. */
  findConsumer(projectId: string, storedQueue: string): Promise<FunctionConsumer | null>;
  /** Runs a cron's function now, outside its schedule. */
  runNow(trigger: Pick<CronTrigger, "projectId" | "functionName" | "environment" | "cron">): Promise<void>;
  /** What serves has changed: triggers are read anew, and a queue may have found its consumer. */
  refresh(projectId: string): void;
  /** Looks at all queues that hold messages: what kept them waiting may be over. */
  wakeAll(): void;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Longest run of one `queue()` or `scheduled()` call. */
const EVENT_TIMEOUT_MS = 5 * 60_000;
const LEASE_MS = EVENT_TIMEOUT_MS + 60_000;
const TRIGGERS_FRESH_MS = 10_000;
/** For consumers that name no delay. */
const BACKOFF: Backoff = { firstSeconds: 1, maxSeconds: 5 * 60 };

function policyOf({ config, deadLetterQueue }: QueueConsumer): RetryPolicy {
  return { maxRetries: config.maxRetries, ...(deadLetterQueue === undefined ? {} : { deadLetterQueue }) };
}

function largestShare(variants: readonly RouteVariant[]): RouteVariant | undefined {
  return variants.reduce<RouteVariant | undefined>(
    (best, one) => (best === undefined || one.percent > best.percent ? one : best),
    undefined,
  );
}

/** Brings what is not a request: batches of queues to functions and endpoints, and the minutes of crons to functions. */
export function createEventDelivery(options: EventDeliveryOptions): EventDelivery {
  const { routes, runtime, clock, crons } = options;
  let triggers: { readonly readAt: number; readonly list: Promise<readonly CronTrigger[]> } | undefined;

  async function findConsumer(projectId: string, storedQueue: string): Promise<FunctionConsumer | null> {
    const { name, environment } = logicalResource(storedQueue);
    const project = await routes.project(projectId);
    for (const route of project?.functions.values() ?? []) {
      if (route.environment !== environment) continue;
      const config = largestShare(route.variants)?.active.version.config;
      const consumer = config?.queueConsumers.find((one) => one.queue === name);
      if (consumer === undefined) continue;
      return {
        kind: "function",
        projectId,
        functionName: route.functionName,
        environment,
        storedQueue,
        deadLetterQueue:
          consumer.deadLetterQueue === undefined ? undefined : storedResource(consumer.deadLetterQueue, environment),
        config: consumer,
      };
    }
    return null;
  }

  async function deliverToFunction(
    consumer: FunctionConsumer,
    messages: readonly LeasedMessage[],
  ): Promise<QueueSettlement> {
    const variant = await variantOf(consumer.projectId, consumer.functionName, consumer.environment);
    const { name } = logicalResource(consumer.storedQueue);
    const outcome = await runtime.dispatchQueue(consumer.projectId, variant.key, name, messages, {
      timeoutMs: EVENT_TIMEOUT_MS,
    });
    const { retryDelaySeconds } = consumer.config;
    return settlementOf(messages, outcome, ({ attempts }) =>
      retryDelaySeconds > 0 ? retryDelaySeconds : backoffSeconds(BACKOFF, attempts, options.random()),
    );
  }

  async function deliverToEndpoint(
    consumer: EndpointConsumer,
    messages: readonly LeasedMessage[],
  ): Promise<QueueSettlement> {
    const outcome = await options.endpoints.deliver(consumer, messages);
    const refused = outcome.retries.filter(({ isFinal }) => isFinal);
    const [first] = refused;
    if (first !== undefined) {
      const { name, environment } = logicalResource(consumer.storedQueue);
      const which = refused.length === 1 ? `The message '${first.id}'` : `${refused.length} messages`;
      options.log({
        projectId: consumer.projectId,
        time: clock.now(),
        kind: "event",
        level: "error",
        message: `${which} of the queue '${name}' went to the dead letters '${logicalResource(consumer.deadLetterQueue).name}' undelivered. ${first.error}`,
        environment,
      });
    }
    return outcome;
  }

  async function variantOf(
    projectId: string,
    functionName: string,
    environment: FunctionEnvironment,
  ): Promise<RouteVariant> {
    const project = await routes.project(projectId);
    const route = project?.functions.get(routeName(functionName, environment));
    const variant = route === undefined ? undefined : largestShare(route.variants);
    if (variant === undefined) throw new AerostackError("FUNCTION_NOT_FOUND");
    return variant;
  }

  async function runNow(trigger: Parameters<EventDelivery["runNow"]>[0], scheduledAt = clock.now()): Promise<void> {
    const { projectId, functionName, environment, cron } = trigger;
    const variant = await variantOf(projectId, functionName, environment);
    const event = { cron, scheduledTimeMs: scheduledAt };
    const { outcome } = await runtime.dispatchScheduled(projectId, variant.key, event, { timeoutMs: EVENT_TIMEOUT_MS });
    if (outcome !== "ok") {
      throw new AerostackError("FUNCTION_CRASHED", {
        message: `scheduled() of '${functionName}' ended with '${outcome}'.`,
        fix: "Look at the function's log for the exception.",
      });
    }
  }

  const queueDispatcher = createQueueDispatcher<AnyConsumer>({
    clock,
    leaseMs: LEASE_MS,
    // An endpoint comes first, so that there is one consumer whatever a deployment or a roll-back brings.
    async findConsumer(projectId, queue) {
      if (await options.isPaused(projectId)) return null;
      return (await options.endpoints.findConsumer(projectId, queue)) ?? (await findConsumer(projectId, queue));
    },
    lease: (consumer, maxMessages, leaseMs) =>
      options.queues.lease(consumer.projectId, consumer.storedQueue, { maxMessages, leaseMs, ...policyOf(consumer) }),
    settle: (consumer, settlement) =>
      options.queues.settle(consumer.projectId, consumer.storedQueue, {
        ...settlement,
        ...policyOf(consumer),
      }),
    deliver: (consumer, messages) =>
      consumer.kind === "endpoint" ? deliverToEndpoint(consumer, messages) : deliverToFunction(consumer, messages),
    availableCount: (projectId, queue) => options.queues.availableCount(projectId, queue),
    nextDueAt: (projectId, queue) => options.queues.nextDueAt(projectId, queue),
    onError: (error, { projectId, storedQueue }) => options.onError(error, `queue ${projectId}/${storedQueue}`),
  });

  const cronScheduler = createCronScheduler({
    clock,
    async listTriggers() {
      if (triggers === undefined || clock.now() - triggers.readAt > TRIGGERS_FRESH_MS) {
        triggers = { readAt: clock.now(), list: crons.listTriggers() };
      }
      try {
        const list = await triggers.list;
        const paused = new Map<string, boolean>();
        for (const { projectId } of list) {
          if (!paused.has(projectId)) paused.set(projectId, await options.isPaused(projectId));
        }
        return list.filter(({ projectId }) => paused.get(projectId) !== true);
      } catch (error) {
        triggers = undefined;
        throw error;
      }
    },
    lastRunAt: async (trigger) => (await crons.lastRun(trigger))?.scheduledAt ?? null,
    claim: crons.claim,
    finish: (record) => crons.finish(record, clock.now()),
    run: runNow,
    onMissed(trigger, scheduledAt) {
      options.log({
        projectId: trigger.projectId,
        time: clock.now(),
        kind: "event",
        level: "warn",
        message: `The cron '${trigger.cron}' missed its run of ${new Date(scheduledAt).toISOString()}: the server was not running.`,
        functionName: trigger.functionName,
        environment: trigger.environment,
      });
    },
    onError: (error) => options.onError(error, "cron"),
  });

  async function wakePending(projectId?: string): Promise<void> {
    for (const one of await options.queues.pending()) {
      if (projectId === undefined || one.projectId === projectId) queueDispatcher.wake(one.projectId, one.queue);
    }
  }

  return {
    queues: queueDispatcher,
    crons: cronScheduler,
    findConsumer,
    runNow,
    refresh(projectId) {
      triggers = undefined;
      wakePending(projectId).catch((error: unknown) => options.onError(error, "queues"));
    },
    wakeAll() {
      wakePending().catch((error: unknown) => options.onError(error, "queues"));
    },
    async start() {
      cronScheduler.start();
      await wakePending();
    },
    async close() {
      await Promise.all([cronScheduler.close(), queueDispatcher.close()]);
    },
  };
}
