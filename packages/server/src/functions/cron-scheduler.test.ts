import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { type CronRunRecord, type CronTrigger, createCronScheduler, nextCronRun } from "./cron-scheduler.ts";

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 5, 1, 12, 0, 0);

function scheduleOf(cron: string, activeSince = NOON) {
  const clock = createManualClock(NOON);
  const trigger: CronTrigger = {
    projectId: "prj_1",
    functionId: "fn_1",
    functionName: "jobs",
    environment: "production",
    cron,
    activeSince,
  };
  const records = new Map<number, CronRunRecord>();
  const ran: number[] = [];
  const missed: number[] = [];
  let failure: Error | undefined;
  const make = () =>
    createCronScheduler({
      clock,
      listTriggers: async () => [trigger],
      lastRunAt: async () => (records.size === 0 ? null : Math.max(...records.keys())),
      claim: async (record) => {
        if (records.has(record.scheduledAt)) return false;
        records.set(record.scheduledAt, record);
        return true;
      },
      finish: async (record) => void records.set(record.scheduledAt, record),
      run: async (_trigger, scheduledAt) => {
        ran.push(scheduledAt);
        if (failure !== undefined) throw failure;
      },
      onMissed: (_trigger, scheduledAt) => void missed.push(scheduledAt),
      onError: (error) => {
        throw error;
      },
    });
  return { clock, make, ran, missed, records, fail: (error: Error) => (failure = error) };
}

describe("cron", () => {
  it("reads five fields in UTC and refuses six", () => {
    expect(nextCronRun("30 4 * * *", NOON)).toBe(Date.UTC(2026, 5, 2, 4, 30));
    expect(() => nextCronRun("* * * * * *", NOON)).toThrow();
    expect(() => nextCronRun("61 * * * *", NOON)).toThrow();
  });

  it("runs each due minute once, also when two schedulers look at it", async () => {
    const world = scheduleOf("* * * * *");
    const [first, second] = [world.make(), world.make()];
    await first.tick();
    expect(world.ran).toEqual([]);
    world.clock.advance(MINUTE);
    await Promise.all([first.tick(), second.tick()]);
    await first.tick();
    expect(world.ran).toEqual([NOON + MINUTE]);
    expect(world.records.get(NOON + MINUTE)?.status).toBe("ok");
  });

  it("reports the runs that a stop made it miss and runs only the one that is due", async () => {
    const world = scheduleOf("*/10 * * * *");
    world.clock.advance(40 * MINUTE);
    await world.make().tick();
    expect(world.missed).toEqual([10, 20, 30].map((minutes) => NOON + minutes * MINUTE));
    expect(world.ran).toEqual([NOON + 40 * MINUTE]);
  });

  it("looks over a year of missed minutes in bounded time and reports at most a hundred", async () => {
    const world = scheduleOf("* * * * *");
    world.clock.advance(365 * 24 * 60 * MINUTE);
    await world.make().tick();
    expect(world.missed).toHaveLength(100);
    expect(world.ran.at(-1)).toBe(world.clock.now());
  });

  it("records why a run failed and goes on with the next", async () => {
    const world = scheduleOf("* * * * *");
    world.fail(new Error("no luck"));
    const scheduler = world.make();
    world.clock.advance(MINUTE);
    await scheduler.tick();
    world.clock.advance(MINUTE);
    await scheduler.tick();
    expect(world.ran).toHaveLength(2);
    expect(world.records.get(NOON + MINUTE)).toMatchObject({ status: "failed", error: "no luck" });
  });
});
