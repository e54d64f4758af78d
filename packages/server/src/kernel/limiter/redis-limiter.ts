import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Redis } from "ioredis";
import { decide, type Limiter, SLOTS_PER_WINDOW } from "./limiter.ts";

export interface RedisLimiterOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  /** Before every key, to share a Redis with others. */
  readonly prefix?: string;
}

const SLOTS = SLOTS_PER_WINDOW + 1;

/**
 * One hash per key: slot number → count. Reading, deciding and counting are one step, so servers share a limit exactly.
 * KEYS[1] the hash; ARGV: running slot, slots that count, limit, milliseconds to keep.
 * Returns the counts, oldest first, before this event.
 */
const TAKE_SCRIPT = `
local slot, slots, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = redis.call('HGETALL', KEYS[1])
local counts, used = {}, 0
for i = 1, slots do counts[i] = 0 end
for i = 1, #stored, 2 do
  local index = tonumber(stored[i]) - (slot - slots)
  if index < 1 then redis.call('HDEL', KEYS[1], stored[i])
  elseif index <= slots then
    counts[index] = tonumber(stored[i + 1])
    used = used + counts[index]
  end
end
if used < limit then
  redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return counts
`;

/** Exact counters that all servers of an installation share. Clocks of servers may differ by less than a slot. */
export function createRedisLimiter({ redis, clock, prefix = "aerostack:limit:" }: RedisLimiterOptions): Limiter {
  return {
    async take(key, policy) {
      const nowMs = clock.now();
      const slotMs = policy.windowMs / SLOTS_PER_WINDOW;
      const slot = Math.floor(nowMs / slotMs);
      const keptMs = Math.ceil(policy.windowMs + 2 * slotMs);
      const name = `${prefix}${policy.windowMs}:${key}`;
      try {
        const counts = (await redis.eval(TAKE_SCRIPT, 1, name, slot, SLOTS, policy.limit, keptMs)) as number[];
        return decide(policy, counts, nowMs);
      } catch (cause) {
        // A limit that cannot be kept is not lifted: whoever brings the counters down would be free to guess passwords.
        throw new AerostackError("SERVICE_UNAVAILABLE", { cause, retryAfterSeconds: 1 });
      }
    },
    async close() {
      // The connection belongs to whoever opened it.
    },
  };
}
