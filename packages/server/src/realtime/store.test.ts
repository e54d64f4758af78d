import { expect, it } from "vitest";
import { describeEachControlDatabase } from "../testing-database.ts";
import { createRealtimeStore } from "./store.ts";
import type { RealtimeTables } from "./tables.ts";

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 60 * 60_000;

describeEachControlDatabase("kept messages", (openDatabase) => {
  it("are kept as long as each project's plan says, and not a day longer", async () => {
    const untyped = await openDatabase();
    const store = createRealtimeStore(untyped.withTables<RealtimeTables>());
    for (const projectId of ["prj_free", "prj_pro"]) {
      for (const days of [1, 8, 100]) {
        await store.keep(projectId, {
          id: `msg_${String(1_000 - days)}`,
          topic: "room",
          event: "e",
          data: days,
          userId: null,
          createdAtMs: NOW - days * DAY_MS,
        });
      }
    }
    const read = async (projectId: string, historyDays: number) =>
      (await store.history({ projectId, topic: "room", notBeforeMs: NOW - historyDays * DAY_MS }, 10, undefined)).map(
        ({ data }) => data,
      );
    // A shorter plan counts at once, before anything is removed.
    expect(await read("prj_pro", 7)).toEqual([1]);
    const daysOf = async (projectId: string) => (projectId === "prj_free" ? 7 : 90);
    await store.removeExpired(NOW, { leastDays: 7, daysOf });
    expect(await read("prj_free", 1_000)).toEqual([1]);
    expect(await read("prj_pro", 1_000)).toEqual([1, 8]);
  });
});
