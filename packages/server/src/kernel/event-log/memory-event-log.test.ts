import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it, vi } from "vitest";
import { createEar, testEventLogContract } from "./event-log.contract.ts";
import { RETENTION_MS } from "./event-log.ts";
import { createMemoryEventLog } from "./memory-event-log.ts";

const START_MS = Date.UTC(2026, 5, 1);

describe("the event log in memory", () => {
  testEventLogContract(async () => createMemoryEventLog({ clock: createManualClock(START_MS) }));

  it("forgets a topic that nobody follows or uses, and never gives one of its numbers again", async () => {
    vi.useFakeTimers();
    const clock = createManualClock(START_MS);
    const log = createMemoryEventLog({ clock });
    const [number = 0] = await log.append([{ topic: "a", payload: "1" }]);
    const followed = createEar();
    const { seq } = await log.follow("b", followed.listener);
    clock.advance(RETENTION_MS);
    vi.advanceTimersByTime(60_000);
    expect((await log.readAfter("a", number)).isComplete).toBe(false);
    expect((await log.readAfter("b", seq)).isComplete).toBe(true);
    const [next = 0] = await log.append([{ topic: "a", payload: "2" }]);
    expect(next).toBeGreaterThan(number + 1);
    await log.close();
    vi.useRealTimers();
  });

  it("holds no more than its share of memory, whatever the number of topics", async () => {
    const log = createMemoryEventLog({ clock: createManualClock(START_MS) });
    const payload = "x".repeat(500_000);
    for (let n = 0; n < 200; n++) await log.append([{ topic: `t${n}`, payload }]);
    let kept = 0;
    for (let n = 0; n < 200; n++) kept += (await log.readAfter(`t${n}`, 0)).events.length;
    expect(kept * payload.length).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(kept).toBeGreaterThan(20);
  });
});
