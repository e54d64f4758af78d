import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { describeWithRedis } from "../redis-testing.ts";
import { createRateWindow } from "./rate-window.ts";
import { createRedisShare } from "./redis-share.ts";

describeWithRedis("rate windows of two servers that share Redis", (open) => {
  it("let through little more than the limit together, and exactly what one would alone", async () => {
    const { redis, prefix } = open();
    const clock = createManualClock(60_000);
    let pending: Promise<unknown> = Promise.resolve();
    const share = createRedisShare(redis, prefix);
    const tracked: typeof share = (start, increments) => {
      const run = share(start, increments);
      pending = run;
      return run;
    };
    const nodes = [1, 2].map(() => createRateWindow({ clock, windowMs: 60_000, share: tracked }));
    let passed = 0;
    for (let round = 0; round < 40; round++) {
      clock.advance(300);
      for (const node of nodes) {
        if (node.hit("caller", 20).allowed) passed++;
        await pending;
        await new Promise(setImmediate);
      }
    }
    expect(passed).toBeGreaterThanOrEqual(20);
    expect(passed).toBeLessThanOrEqual(22);
  });
});
