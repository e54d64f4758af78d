import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { describeWithRedis } from "../redis-testing.ts";
import { testLimiterContract } from "./limiter.contract.ts";
import { createRedisLimiter } from "./redis-limiter.ts";

const START_MS = 1_800_000_000_123;

describeWithRedis("the limiter in Redis", (open) => {
  testLimiterContract(() => {
    const clock = createManualClock(START_MS);
    return { clock, limiter: createRedisLimiter({ ...open(), clock }) };
  });

  it("shares one limit among servers, exactly", async () => {
    const clock = createManualClock(START_MS);
    const shared = open();
    const servers = [1, 2, 3].map(() => createRedisLimiter({ ...shared, clock }));
    const decisions = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => servers[index % 3]?.take("a", { limit: 7, windowMs: 60_000 })),
    );
    expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(7);
  });

  it("leaves nothing behind for ever", async () => {
    const { redis, prefix } = open();
    const limiter = createRedisLimiter({ redis, prefix, clock: createManualClock(START_MS) });
    await limiter.take("a", { limit: 7, windowMs: 60_000 });
    const [key] = await redis.keys(`${prefix}*`);
    expect(await redis.pttl(String(key))).toBeGreaterThan(60_000);
    expect(await redis.pttl(String(key))).toBeLessThanOrEqual(70_000);
  });
});
