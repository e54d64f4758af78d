import type { Redis } from "ioredis";
import type { Logger } from "../log.ts";
import type { Bus } from "./bus.ts";

export interface RedisBusOptions {
  readonly redis: Redis;
  readonly log: Logger;
  /** Before every channel, to share a Redis with others. */
  readonly prefix?: string;
}

/** Between all servers of an installation, this one included. A connection that subscribes can do nothing else, so it is a second one. */
export async function createRedisBus({ redis, log, prefix = "aerostack:bus:" }: RedisBusOptions): Promise<Bus> {
  const handlers = new Map<string, Set<(message: unknown) => void>>();
  const subscriber = redis.duplicate();
  subscriber.on("error", (err: Error) => log.warn({ err }, "the bus's connection to Redis failed"));
  subscriber.on("message", (channel: string, text: string) => {
    const topic = channel.slice(prefix.length);
    for (const handler of handlers.get(topic) ?? []) handler(JSON.parse(text));
  });
  await subscriber.connect();

  function warn(what: string) {
    return (err: unknown) => log.warn({ err }, `${what} failed`);
  }

  return {
    publish(topic, message) {
      redis.publish(prefix + topic, JSON.stringify(message)).catch(warn("publishing on the bus"));
    },
    subscribe(topic, handler) {
      const set = handlers.get(topic) ?? new Set();
      if (set.size === 0) subscriber.subscribe(prefix + topic).catch(warn("subscribing on the bus"));
      handlers.set(topic, set.add(handler));
      return () => {
        if (!set.delete(handler) || set.size > 0) return;
        handlers.delete(topic);
        subscriber.unsubscribe(prefix + topic).catch(warn("unsubscribing on the bus"));
      };
    },
    async close() {
      handlers.clear();
      await subscriber.quit();
    },
  };
}
