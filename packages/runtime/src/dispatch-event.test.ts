import { serialize } from "node:v8";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRuntimeFixture, type RuntimeFixture } from "./runtime-fixture.ts";
import type { QueueMessage } from "./types.ts";

const CONSUMER = `
  let last;
  export default {
    fetch: () => Response.json(last),
    async queue(batch, env, ctx) {
      last = { queue: batch.queue, messages: batch.messages.map(({ id, attempts, timestamp, body }) => ({
        id, attempts, time: timestamp.getTime(),
        body: body instanceof ArrayBuffer ? [...new Uint8Array(body)] : body instanceof Map ? [...body] : body })) };
      console.log(JSON.stringify(last));
      switch (batch.queue) {
        case "all": batch.ackAll(); break;
        case "again": batch.retryAll({ delaySeconds: 9 }); break;
        case "mixed": batch.messages[0].ack(); batch.messages[1].retry({ delaySeconds: 5 }); batch.messages[2].retry(); break;
        case "throws": batch.messages[0].ack(); throw new Error("no");
        case "slow": await scheduler.wait(60_000); break;
        case "loop": for (;;) {}
      }
    },
    async scheduled(event) {
      if (event.cron === "0 0 * * *") throw new Error("bad night");
      console.log(event.cron + " " + event.scheduledTime);
      event.noRetry();
    },
  };`;

const encode = (body: string | Uint8Array): string => Buffer.from(body).toString("base64");
const message = (id: string, contentType: string, body: string | Uint8Array, attempts = 1): QueueMessage => ({
  id,
  timestamp: 1_700_000_000_000,
  attempts,
  contentType,
  body: encode(body),
});
const THREE = ["a", "b", "c"].map((id) => message(id, "text", id));

describe("events", () => {
  let fixture: RuntimeFixture;
  beforeEach(async () => {
    fixture = await createRuntimeFixture({ limits: { cpuLimitMs: 300, probeIntervalMs: 50, watchIntervalMs: 20 } });
    await fixture.runtime.configure(fixture.project([fixture.fn("api", CONSUMER), fixture.fn("other", CONSUMER)]));
  });
  afterEach(async () => {
    await fixture.close();
  });
  const deliver = (queue: string, messages: readonly QueueMessage[], options = {}) =>
    fixture.runtime.dispatchQueue("prj_test", "api@production@1", queue, messages, options);

  it("brings messages of every content type to queue(), and starts the project for it", async () => {
    const outcome = await deliver("all", [
      message("m1", "json", '{"a":[1,"ü"]}', 3),
      message("m2", "text", "größe"),
      message("m3", "bytes", Uint8Array.of(0, 255)),
      message("m4", "v8", serialize(new Map([["k", 1]]))),
    ]);
    expect(outcome).toMatchObject({ outcome: "ok", ackAll: true });
    const [entry] = await fixture.logged((all) => all.length > 0);
    expect(entry?.functionKey).toBe("api@production@1");
    expect(JSON.parse(entry?.message ?? "")).toEqual({
      queue: "all",
      messages: [
        { id: "m1", attempts: 3, time: 1_700_000_000_000, body: { a: [1, "ü"] } },
        { id: "m2", attempts: 1, time: 1_700_000_000_000, body: "größe" },
        { id: "m3", attempts: 1, time: 1_700_000_000_000, body: [0, 255] },
        { id: "m4", attempts: 1, time: 1_700_000_000_000, body: [["k", 1]] },
      ],
    });
  });

  it("reports what was acknowledged and what is to be tried again", async () => {
    expect(await deliver("again", THREE)).toMatchObject({
      outcome: "ok",
      ackAll: false,
      retryBatch: { retry: true, delaySeconds: 9 },
    });
    expect(await deliver("mixed", THREE)).toMatchObject({
      outcome: "ok",
      retryBatch: { retry: false },
      explicitAcks: ["a"],
      retryMessages: [{ msgId: "b", delaySeconds: 5 }, { msgId: "c" }],
    });
    expect(await deliver("none", THREE)).toMatchObject({ outcome: "ok", explicitAcks: [], retryMessages: [] });
  });

  it("reports an exception, with what had been acknowledged before it", async () => {
    expect(await deliver("throws", THREE)).toMatchObject({ outcome: "exception", explicitAcks: ["a"] });
  });

  it("gives up on a batch that takes too long, and says so when the process was stopped over it", async () => {
    await expect(deliver("slow", THREE, { timeoutMs: 50 })).rejects.toMatchObject({ code: "FUNCTION_TIMEOUT" });
    await expect(deliver("loop", THREE)).rejects.toMatchObject({
      code: "FUNCTION_CPU_LIMIT",
      details: { functionKey: "api@production@1" },
    });
    expect(await deliver("all", THREE)).toMatchObject({ outcome: "ok" });
  });

  it("calls scheduled() with its expression and time", async () => {
    const { runtime } = fixture;
    expect(
      await runtime.dispatchScheduled("prj_test", "other@production@1", {
        cron: "*/5 * * * *",
        scheduledTimeMs: 300_000,
      }),
    ).toEqual({ outcome: "ok", noRetry: true });
    const [entry] = await fixture.logged((all) => all.length > 0);
    expect(entry).toMatchObject({ functionKey: "other@production@1", message: "*/5 * * * * 300000" });
    expect(
      await runtime.dispatchScheduled("prj_test", "api@production@1", { cron: "0 0 * * *", scheduledTimeMs: 0 }),
    ).toMatchObject({ outcome: "exception" });
  });

  it("knows no function that is not there", async () => {
    await expect(fixture.runtime.dispatchQueue("prj_test", "nope", "all", THREE)).rejects.toMatchObject({
      code: "FUNCTION_NOT_FOUND",
    });
  });
});
