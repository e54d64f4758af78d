import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startWorkerd, type WorkerdUnderTest } from "../state/workerd-test-support.ts";
import { createQueueBinding } from "./queue-binding.ts";
import { createTestQueues } from "./queue-test-support.ts";

describe("queue binding in workerd", () => {
  const world = createTestQueues();
  const { queues, states, rpc } = world.open();
  const scope = { projectId: "prj_test", queue: "default" };
  let workerd: WorkerdUnderTest;
  const run = <T>(body: string, input?: unknown): Promise<T> => workerd.run<T>(body, input);

  beforeAll(async () => {
    const handler = createQueueBinding({ queues, states });
    workerd = await startWorkerd([{ name: "QUEUE", kind: "queue", resource: "default", handler }]);
  });
  afterEach(() => rpc["queue.purge"](scope));
  afterAll(async () => {
    await workerd.close();
    world.remove();
  });

  test("what send resolves for is there, with its content type and body", async () => {
    await run(`
      await env.QUEUE.send({ a: ["é"] }, { contentType: "json" });
      await env.QUEUE.send("text é", { contentType: "text" });
      await env.QUEUE.send(new Uint8Array([0, 255]), { contentType: "bytes" });
      await env.QUEUE.send(new Map([[1, new Date(0)]]), { contentType: "v8" });`);
    const { messages } = rpc["queue.peek"](scope);
    const decoded = messages.map(({ contentType, body }) => [contentType, Buffer.from(body, "base64")] as const);
    expect(decoded.slice(0, 3).map(([type, body]) => [type, type === "bytes" ? [...body] : body.toString()])).toEqual([
      ["json", '{"a":["é"]}'],
      ["text", "text é"],
      ["bytes", [0, 255]],
    ]);
    // V8's structured clone starts with its marker and version.
    expect([decoded[3]?.[0], decoded[3]?.[1]?.[0]]).toEqual(["v8", 0xff]);
  });

  test("a batch arrives whole and in order, with the delays of batch and message", async () => {
    await run(
      `await env.QUEUE.sendBatch([{ body: 1 }, { body: 2, delaySeconds: 5 }, { body: "three", contentType: "text" }], { delaySeconds: 60 })`,
    );
    const { messages } = rpc["queue.peek"](scope);
    const now = world.clock.now();
    expect(messages.map(({ visibleAt }) => visibleAt - now)).toEqual([60_000, 5_000, 60_000]);
    expect(messages.map(({ contentType }) => contentType)).toEqual(["json", "json", "text"]);
  });

  test("a delayed message is not available before its time", async () => {
    await run(`await env.QUEUE.send("later", { delaySeconds: 30 })`);
    expect(rpc["queue.nextDue"](scope)).toBe(world.clock.now() + 30_000);
  });

  test("the answer and metrics() tell the backlog", async () => {
    expect(
      await run(`
        await env.QUEUE.send("12345", { contentType: "text" });
        const sent = await env.QUEUE.send("123", { contentType: "text" });
        return [sent.metadata.metrics, await env.QUEUE.metrics()];`),
    ).toEqual(
      Array.from({ length: 2 }, () => ({
        backlogCount: 2,
        backlogBytes: 8,
        oldestMessageTimestamp: new Date(world.clock.now()).toISOString(),
      })),
    );
  });

  test("the largest message is taken", async () => {
    await run(`await env.QUEUE.send(new Uint8Array(128 * 1024), { contentType: "bytes" })`);
    expect(rpc["queue.stats"](scope).backlogBytes).toBe(128 * 1024);
  });

  test.each([
    [
      `env.QUEUE.send(new Uint8Array(128 * 1024 + 1), { contentType: "bytes" })`,
      "message length of 131073 bytes exceeds limit of 131072 (10204)",
    ],
    [
      `env.QUEUE.send("x".repeat(5_000_000), { contentType: "text" })`,
      "message length of 5000000 bytes exceeds limit of 131072 (10204)",
    ],
    [
      `env.QUEUE.sendBatch(Array.from({ length: 101 }, () => ({ body: 1 })))`,
      "batch message count of 101 exceeds limit of 100 (10206)",
    ],
    [
      `env.QUEUE.sendBatch(Array.from({ length: 3 }, () => ({ body: new Uint8Array(100_000), contentType: "bytes" })))`,
      "batch size of 300000 bytes exceeds limit of 262144 (10205)",
    ],
    [
      `env.QUEUE.send(1, { delaySeconds: 86401 })`,
      "message delay 86401 is invalid: it must be between 0 and 86400 whole seconds (10203)",
    ],
    [`env.QUEUE.send("x", { contentType: "xml" })`, "Unsupported queue message content type: xml"],
  ])("%s is refused and stores nothing", async (call, message) => {
    await expect(run(`return ${call}`)).rejects.toThrow(message);
    expect(rpc["queue.peek"](scope).messages).toEqual([]);
  });
});
