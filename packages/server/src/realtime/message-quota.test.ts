import { AerostackError } from "@aerostack/contracts";
import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { describeEachControlDatabase } from "../testing-database.ts";
import { createMessageQuota } from "./message-quota.ts";
import type { RealtimeTables } from "./tables.ts";

const LAST_DAY_OF_JUNE = Date.UTC(2026, 5, 30, 12);

describeEachControlDatabase("messages a month", (openDatabase) => {
  async function open(servers = 1) {
    const untyped = await openDatabase();
    const sql = untyped.withTables<RealtimeTables>();
    const clock = createManualClock(LAST_DAY_OF_JUNE);
    const quotas = Array.from({ length: servers }, () => createMessageQuota({ sql, clock }));
    return { clock, quotas, quota: quotas[0] ?? createMessageQuota({ sql, clock }) };
  }

  it("P3 are counted exactly while several servers publish at once, and not one more is let through than the plan says", async () => {
    const { quotas, quota } = await open(3);
    const limit = 250;
    const outcomes = await Promise.allSettled(
      quotas.flatMap((server) => Array.from({ length: 120 }, () => server.take("prj_a", limit))),
    );
    const refusals = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }) => reason as unknown);
    for (const server of quotas) await server.giveBackUnused({ all: true });
    const sent = outcomes.length - refusals.length;
    expect(sent).toBeLessThanOrEqual(limit);
    // Each server may have held a part of a block when another was refused.
    expect(sent).toBeGreaterThan(limit - 2 * 100);
    expect(await quota.usage("prj_a")).toEqual({ month: "2026-06", messages: sent });
    expect(refusals.every((reason) => reason instanceof AerostackError && reason.code === "RATE_LIMIT_EXCEEDED")).toBe(
      true,
    );
  });

  it("are used up to the last one, and then refused until the next month", async () => {
    const { quota, clock } = await open();
    for (let n = 0; n < 130; n++) await quota.take("prj_a", 130);
    const refusal = await quota.take("prj_a", 130).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: "RATE_LIMIT_EXCEEDED",
      details: { limit: 130, resetsAt: "2026-07-01T00:00:00.000Z" },
      retryAfterSeconds: 12 * 60 * 60,
    });
    // A larger plan counts at once; another project has a month of its own.
    await quota.take("prj_a", 131);
    await quota.take("prj_b", 1);
    clock.advance(12 * 60 * 60_000);
    await quota.take("prj_a", 130);
    await quota.giveBackUnused({ all: true });
    expect(await quota.usage("prj_a")).toEqual({ month: "2026-07", messages: 1 });
  });

  it("that were counted ahead go back when they are not used", async () => {
    const { quota, clock } = await open();
    for (let n = 0; n < 3; n++) await quota.take("prj_a", null);
    quota.undo("prj_a");
    expect((await quota.usage("prj_a")).messages).toBe(100);
    await quota.giveBackUnused();
    expect((await quota.usage("prj_a")).messages).toBe(100);
    await quota.giveBackUnused();
    expect((await quota.usage("prj_a")).messages).toBe(2);
    await quota.take("prj_a", null);
    clock.advance(24 * 60 * 60_000);
    // Of June, though it is July.
    await quota.take("prj_a", null);
    await quota.giveBackUnused({ all: true });
    expect(await quota.usage("prj_a")).toEqual({ month: "2026-07", messages: 1 });
    clock.advance(-24 * 60 * 60_000);
    expect(await quota.usage("prj_a")).toEqual({ month: "2026-06", messages: 3 });
  });

  it("go with their project", async () => {
    const { quota } = await open();
    await quota.take("prj_a", null);
    await quota.deleteProject("prj_a");
    expect((await quota.usage("prj_a")).messages).toBe(0);
  });
});
