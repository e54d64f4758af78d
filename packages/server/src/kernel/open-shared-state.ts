import type { Clock } from "@aerostack/kernel";
import type { Bus } from "./bus/bus.ts";
import { createMemoryBus } from "./bus/memory-bus.ts";
import type { Config } from "./config.ts";
import type { EventLog } from "./event-log/event-log.ts";
import { createMemoryEventLog } from "./event-log/memory-event-log.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Limiter } from "./limiter/limiter.ts";
import { createMemoryLimiter } from "./limiter/memory-limiter.ts";
import type { ShareCounts } from "./limiter/rate-window.ts";
import type { Logger } from "./log.ts";
import { createMemorySlots } from "./slots/memory-slots.ts";
import type { Slots } from "./slots/slots.ts";

/** What the servers of an installation share while they run. */
export interface SharedState {
  readonly limiter: Limiter;
  readonly bus: Bus;
  readonly events: EventLog;
  readonly slots: Slots;
  /** Brings approximate counts together; undefined where one server counts alone. */
  readonly shareCounts: ShareCounts | undefined;
  /** Rejects when the shared state does not answer. */
  check(): Promise<void>;
}

export interface SharedStateOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

/** In Redis where the settings name one, else in memory. */
export async function openSharedState(
  config: Config,
  { clock, log, lifecycle }: SharedStateOptions,
): Promise<SharedState> {
  if (config.redisUrl === undefined) {
    const bus = createMemoryBus();
    const limiter = createMemoryLimiter({ clock });
    const events = createMemoryEventLog({ clock });
    lifecycle.onClose("bus", () => bus.close());
    lifecycle.onClose("event log", () => events.close());
    lifecycle.onClose("limiter", () => limiter.close());
    const slots = createMemorySlots();
    return { bus, events, limiter, slots, shareCounts: undefined, check: async () => undefined };
  }
  const [
    { openRedis },
    { createRedisBus },
    { createRedisEventLog },
    { createRedisLimiter },
    { createRedisShare },
    { createRedisSlots },
  ] = await Promise.all([
    import("./open-redis.ts"),
    import("./bus/redis-bus.ts"),
    import("./event-log/redis-event-log.ts"),
    import("./limiter/redis-limiter.ts"),
    import("./limiter/redis-share.ts"),
    import("./slots/redis-slots.ts"),
  ]);
  const redis = await openRedis(config.redisUrl, log);
  lifecycle.onClose("redis", async () => void (await redis.quit()));
  const bus = await createRedisBus({ redis, log });
  lifecycle.onClose("bus", () => bus.close());
  const events = await createRedisEventLog({ redis, clock, log });
  lifecycle.onClose("event log", () => events.close());
  const limiter = createRedisLimiter({ redis, clock });
  const slots = createRedisSlots({ redis, clock, log });
  lifecycle.onClose("slots", () => slots.close());
  const shareCounts = createRedisShare(redis);
  return { bus, events, limiter, slots, shareCounts, check: async () => void (await redis.ping()) };
}
