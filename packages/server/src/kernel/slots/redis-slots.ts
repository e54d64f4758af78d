import { AerostackError } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Redis } from "ioredis";
import type { Logger } from "../log.ts";
import { createCounts, SLOT_LEASE_MS, SLOT_REFRESH_MS, type Slots } from "./slots.ts";

export interface RedisSlotsOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  readonly prefix?: string;
}

const NODE_CHARACTERS = 12;

/**
 * One hash per key: server → "count until when". ARGV: the server, what it holds with the new one, now, until when, the
 * limit, milliseconds to keep. A server says what it holds itself, so that counts cannot drift apart.
 */
const TAKE = `
local others = 0
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
  local count, untilMs = string.match(stored[i + 1], '^(%d+) (%d+)$')
  if tonumber(untilMs) <= tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], stored[i])
  elseif stored[i] ~= ARGV[1] then others = others + tonumber(count) end
end
if others + tonumber(ARGV[2]) > tonumber(ARGV[5]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
`;

/** Shared by all servers of an installation, exactly. Clocks of servers may differ by less than a refresh. */
export function createRedisSlots({ redis, clock, log, prefix = "aerostack:slots:" }: RedisSlotsOptions): Slots {
  const node = randomText(NODE_CHARACTERS);
  const counts = createCounts();

  function warn(err: unknown): void {
    log.warn({ err }, "what this server holds open could not be told to the others");
  }

  /** Says what is held; nothing of a key that is not. */
  async function tell(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const pipeline = redis.pipeline();
    for (const key of keys) {
      const name = prefix + key;
      const count = counts.of(key);
      if (count === 0) pipeline.hdel(name, node);
      else pipeline.hset(name, node, `${count} ${clock.now() + SLOT_LEASE_MS}`).pexpire(name, SLOT_LEASE_MS);
    }
    await pipeline.exec();
  }

  const refreshing = setInterval(() => void tell([...counts.keys()]).catch(warn), SLOT_REFRESH_MS);
  refreshing.unref();

  return {
    async take(key, limit) {
      const held = counts.add(key, 1);
      const now = clock.now();
      try {
        const args = [node, held, now, now + SLOT_LEASE_MS, limit, SLOT_LEASE_MS];
        const taken = await redis.eval(TAKE, 1, prefix + key, ...args);
        if (taken !== 1) counts.add(key, -1);
        return taken === 1;
      } catch (cause) {
        counts.add(key, -1);
        throw new AerostackError("SERVICE_UNAVAILABLE", { cause, retryAfterSeconds: 1 });
      }
    },
    release(key) {
      counts.add(key, -1);
      tell([key]).catch(warn);
    },
    held: counts.of,
    async total(key) {
      const stored = await redis.hgetall(prefix + key);
      const now = clock.now();
      let total = 0;
      for (const value of Object.values(stored)) {
        const [count = 0, untilMs = 0] = value.split(" ").map(Number);
        if (untilMs > now) total += count;
      }
      return total;
    },
    async close() {
      clearInterval(refreshing);
      const keys = [...counts.keys()];
      counts.clear();
      await tell(keys).catch(warn);
    },
  };
}
