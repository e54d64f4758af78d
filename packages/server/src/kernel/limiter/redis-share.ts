import type { Redis } from "ioredis";
import type { ShareCounts } from "./rate-window.ts";

const KEPT_SECONDS = 180;

/** Brings the counts of rate windows on all servers together in Redis: one round trip, whatever the number of subjects. */
export function createRedisShare(redis: Redis, prefix = "aerostack:window:"): ShareCounts {
  return async (windowStartMs, increments) => {
    const name = `${prefix}${windowStartMs}`;
    const subjects = [...increments.keys()];
    const pipeline = redis.pipeline();
    for (const subject of subjects) pipeline.hincrby(name, subject, increments.get(subject) ?? 0);
    pipeline.expire(name, KEPT_SECONDS);
    const results = (await pipeline.exec()) ?? [];
    return new Map(
      subjects.map((subject, index) => {
        const [error, total] = results[index] ?? [new Error("no answer"), 0];
        if (error !== null) throw error;
        return [subject, Number(total)];
      }),
    );
  };
}
