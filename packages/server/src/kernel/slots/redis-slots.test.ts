import { createManualClock } from "@aerostack/kernel";
import { expect, it, vi } from "vitest";
import { describeWithRedis } from "../redis-testing.ts";
import { createRedisSlots } from "./redis-slots.ts";
import { testSlotsContract } from "./slots.contract.ts";
import { SLOT_LEASE_MS, SLOT_REFRESH_MS } from "./slots.ts";

const START_MS = 1_800_000_000_123;
const log = { warn: () => {} };

describeWithRedis("slots in Redis", (open) => {
  const server = (shared: ReturnType<typeof open>, clock = createManualClock(START_MS)) =>
    createRedisSlots({ ...shared, clock, log });

  testSlotsContract(() => server(open()));

  it("are counted over all servers, exactly", async () => {
    const shared = open();
    const servers = [server(shared), server(shared), server(shared)];
    const taken = await Promise.all(Array.from({ length: 30 }, async (_, at) => await servers[at % 3]?.take("a", 10)));
    expect(taken.filter(Boolean)).toHaveLength(10);
    expect(await servers[0]?.total("a")).toBe(10);
    servers.find((one) => one.held("a") > 0)?.release("a");
    await vi.waitFor(async () => expect(await servers[0]?.take("a", 10)).toBe(true), { timeout: 10_000 });
    for (const one of servers) await one.close();
    const fresh = server(shared);
    expect(await fresh.take("a", 1)).toBe(true);
    await fresh.close();
  });

  it("of a server that died are free after its lease, and not before; those of one that lives are kept by its word", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const shared = open();
      const clock = createManualClock(START_MS);
      const dying = server(shared, clock);
      expect(await dying.take("a", 1)).toBe(true);
      const other = createRedisSlots({ ...shared, clock, log });
      clock.advance(SLOT_REFRESH_MS);
      vi.advanceTimersByTime(SLOT_REFRESH_MS);
      // The word is on its way before the next command of the same connection.
      await shared.redis.ping();
      clock.advance(SLOT_LEASE_MS - 1);
      expect(await other.take("a", 1)).toBe(false);
      clock.advance(1);
      expect(await other.take("a", 1)).toBe(true);
      await other.close();
    } finally {
      vi.useRealTimers();
    }
  });
});
