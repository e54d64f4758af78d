import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { migrate } from "../kernel/sql/index.ts";
import { describeEachDialect } from "../kernel/sql/testing.ts";
import { createRoomQuota } from "./room-quota.ts";
import { createRealtimeStore } from "./store.ts";
import { type RealtimeTables, realtimeMigrations } from "./tables.ts";

const DAY_MS = 24 * 60 * 60_000;
const topicOf = (name: string, projectId = "prj_a") => `room/${name}/${projectId}`;

describeEachDialect("rooms of a plan", (openDatabase) => {
  async function open() {
    const untyped = await openDatabase();
    await migrate(untyped, "control", realtimeMigrations);
    const sql = untyped.withTables<RealtimeTables>();
    const clock = createManualClock(Date.UTC(2026, 5, 1));
    const store = createRealtimeStore(sql);
    const server = () => createRoomQuota({ sql, clock });
    const keep = (topic: string) =>
      store.keep("prj_a", { id: topic, topic, event: "e", data: 1, userId: null, createdAtMs: clock.now() });
    return { clock, store, server, keep };
  }

  it("are never more than the plan says, however many servers are asked at once", async () => {
    const { server } = await open();
    const servers = [server(), server(), server()];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, n) => servers[n % 3]?.enter("prj_a", topicOf(`${n}`), 5)),
    );
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(await servers[0]?.count("prj_a")).toBe(5);
    expect(refused).toHaveLength(7);
    for (const { reason } of refused)
      expect(reason).toMatchObject({ code: "RATE_LIMIT_EXCEEDED", details: { limit: 5 } });
  });

  it("are entered again and again by whoever, those of other projects apart, without a limit where there is none", async () => {
    const { server } = await open();
    const [one, two] = [server(), server()];
    await one.enter("prj_a", topicOf("a"), 1);
    await one.enter("prj_a", topicOf("a"), 1);
    await two.enter("prj_a", topicOf("a"), 1);
    await expect(two.enter("prj_a", topicOf("b"), 1)).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
    await two.enter("prj_b", topicOf("b", "prj_b"), 1);
    await two.enter("prj_a", topicOf("b"), null);
    expect(await one.count("prj_a")).toBe(2);
  });

  it("make room when the last message of one has expired or the project has gone", async () => {
    const { server, store, keep, clock } = await open();
    const rooms = server();
    for (const name of ["old", "new"]) {
      await rooms.enter("prj_a", topicOf(name), 2);
      await keep(topicOf(name));
      clock.advance(4 * DAY_MS);
    }
    await rooms.removeEmpty();
    await expect(rooms.enter("prj_a", topicOf("next"), 2)).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
    await store.removeExpired(clock.now(), { leastDays: 7, daysOf: async () => 7 });
    await rooms.removeEmpty();
    await rooms.enter("prj_a", topicOf("next"), 2);
    await expect(rooms.enter("prj_a", topicOf("old"), 2)).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
    await rooms.deleteProject("prj_a");
    expect(await rooms.count("prj_a")).toBe(0);
    await rooms.enter("prj_a", topicOf("next"), 1);
    expect(await rooms.count("prj_a")).toBe(1);
  });
});
