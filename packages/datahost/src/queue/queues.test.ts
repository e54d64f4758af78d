import { AerostackError } from "@aerostack/contracts/errors";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestQueues } from "./queue-test-support.ts";

const jobs = { projectId: "prj_a", queue: "jobs" };
const dead = { projectId: "prj_a", queue: "dead" };
const LEASE_MS = 30_000;

describe("queues", () => {
  let world: ReturnType<typeof createTestQueues>;
  let rpc: ReturnType<ReturnType<typeof createTestQueues>["open"]>["rpc"];
  let queues: ReturnType<ReturnType<typeof createTestQueues>["open"]>["queues"];
  beforeEach(() => {
    world = createTestQueues();
    reopen();
  });
  afterEach(() => world.remove());

  function reopen(): void {
    ({ rpc, queues } = world.open());
  }
  const send = (body: string, delaySeconds = 0, queue = "jobs") =>
    rpc["queue.send"]({ ...jobs, queue, messages: [{ body, contentType: "text", delaySeconds }] });
  const lease = (maxMessages = 10, queue = "jobs") =>
    rpc["queue.lease"]({ ...jobs, queue, maxMessages, leaseMs: LEASE_MS });
  const bodies = (messages: readonly { body: string }[]) =>
    messages.map(({ body }) => Buffer.from(body, "base64").toString());

  test("messages come in the order in which they were sent, with what they were sent with", async () => {
    const { ids, metrics } = await rpc["queue.send"]({
      ...jobs,
      messages: [
        { body: "one", contentType: "text" },
        { body: { $bytes: "AP8=" }, contentType: "bytes" },
        { body: '{"a":1}' },
      ],
    });
    expect(metrics).toEqual({ backlogCount: 3, backlogBytes: 12, oldestMessageTimestamp: world.clock.now() });
    expect(await lease()).toEqual([
      { id: ids[0], timestamp: world.clock.now(), attempts: 1, contentType: "text", body: "b25l" },
      { id: ids[1], timestamp: world.clock.now(), attempts: 1, contentType: "bytes", body: "AP8=" },
      { id: ids[2], timestamp: world.clock.now(), attempts: 1, contentType: "json", body: "eyJhIjoxfQ==" },
    ]);
  });

  test("a leased message is nobody else's until the lease ends; then it comes again", async () => {
    await send("m");
    const [first] = await lease();
    expect(await lease()).toEqual([]);
    world.timers.advance(LEASE_MS - 1);
    expect(await lease()).toEqual([]);
    world.timers.advance(1);
    expect(await lease()).toEqual([{ ...first, attempts: 2 }]);
  });

  test("an acknowledged message never comes again, even when its lease had run out", async () => {
    await send("m");
    const [message] = await lease();
    world.timers.advance(LEASE_MS);
    await lease();
    expect(await rpc["queue.settle"]({ ...jobs, acks: [message?.id ?? ""] })).toMatchObject({ acked: 1 });
    world.timers.advance(LEASE_MS * 2);
    reopen();
    expect(await lease()).toEqual([]);
    expect(await rpc["queue.settle"]({ ...jobs, acks: [message?.id ?? ""] })).toMatchObject({ acked: 0 });
  });

  test("a retried message comes after its delay, once, however often it is settled", async () => {
    await send("m");
    const [message] = await lease();
    const retries = [{ id: message?.id ?? "", delaySeconds: 10 }];
    expect(await rpc["queue.settle"]({ ...jobs, retries })).toMatchObject({ retried: 1 });
    expect(await rpc["queue.settle"]({ ...jobs, retries: [{ id: message?.id ?? "" }] })).toMatchObject({ retried: 0 });
    world.timers.advance(9_999);
    expect(await lease()).toEqual([]);
    world.timers.advance(1);
    expect(await lease()).toMatchObject([{ id: message?.id, attempts: 2 }]);
  });

  test("after its last retry a message moves to the dead-letter queue with its id and time, ready there", async () => {
    await send("m");
    const sentAt = world.clock.now();
    const policy = { maxRetries: 1, deadLetterQueue: "dead" };
    const [first] = await lease();
    const id = first?.id ?? "";
    expect(await rpc["queue.settle"]({ ...jobs, ...policy, retries: [{ id }] })).toMatchObject({ retried: 1 });
    world.timers.advance(1000);
    await lease();
    world.takeReady();
    expect(await rpc["queue.settle"]({ ...jobs, ...policy, retries: [{ id }] })).toMatchObject({ deadLettered: 1 });
    expect(world.takeReady()).toEqual(["prj_a/dead"]);
    expect(rpc["queue.peek"](dead).messages).toMatchObject([{ id, timestamp: sentAt, attempts: 0, deadFrom: "jobs" }]);
    expect(rpc["queue.stats"](jobs)).toMatchObject({
      backlogCount: 0,
      backlogBytes: 0,
      deadLetteredCount: 1,
      droppedCount: 0,
    });
    expect(rpc["queue.stats"](dead)).toMatchObject({ backlogCount: 1, backlogBytes: 1 });
  });

  test("a message whose delivery can never succeed is given up at its first attempt", async () => {
    await send("m");
    const [message] = await lease();
    const policy = { maxRetries: 15, deadLetterQueue: "dead" };
    const retries = [{ id: message?.id ?? "", isFinal: true }];
    expect(await rpc["queue.settle"]({ ...jobs, ...policy, retries })).toMatchObject({ retried: 0, deadLettered: 1 });
    expect(rpc["queue.peek"](dead).messages).toMatchObject([{ id: message?.id, deadFrom: "jobs" }]);
    expect(rpc["queue.stats"](jobs)).toMatchObject({ backlogCount: 0, deadLetteredCount: 1 });
  });

  test("without a dead-letter queue it is dropped, and counted", async () => {
    await send("m");
    const [message] = await lease();
    const retries = [{ id: message?.id ?? "" }];
    expect(await rpc["queue.settle"]({ ...jobs, maxRetries: 0, retries })).toMatchObject({ dropped: 1 });
    expect(rpc["queue.stats"](jobs)).toMatchObject({ backlogCount: 0, droppedCount: 1, nextDueAt: null });
  });

  test("a message named twice in one settlement counts once", async () => {
    await send("m");
    const [message] = await lease();
    const retries = [{ id: message?.id ?? "" }, { id: message?.id ?? "" }];
    expect(await rpc["queue.settle"]({ ...jobs, maxRetries: 0, retries })).toMatchObject({ dropped: 1 });
    expect(rpc["queue.stats"](jobs)).toMatchObject({ backlogCount: 0, backlogBytes: 0, droppedCount: 1 });
  });

  test("a message whose every consumer vanished is given up at the next lease with a policy", async () => {
    await send("poison");
    const params = { ...jobs, maxMessages: 10, leaseMs: LEASE_MS, maxRetries: 2, deadLetterQueue: "dead" };
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await rpc["queue.lease"](params)).toMatchObject([{ attempts: attempt }]);
      world.timers.advance(LEASE_MS);
    }
    expect(await rpc["queue.lease"](params)).toEqual([]);
    expect(bodies(await lease(10, "dead"))).toEqual(["poison"]);
  });

  test("delayed messages come when they are due, and nextDue says when", async () => {
    expect(rpc["queue.nextDue"](jobs)).toBeNull();
    await send("later", 60);
    await send("sooner", 30);
    expect(rpc["queue.nextDue"](jobs)).toBe(world.clock.now() + 30_000);
    expect(await lease()).toEqual([]);
    world.timers.advance(30_000);
    expect(rpc["queue.nextDue"](jobs)).toBe(world.clock.now());
    expect(bodies(await lease())).toEqual(["sooner"]);
    world.timers.advance(30_000);
    expect(bodies(await lease())).toEqual(["later", "sooner"]);
  });

  test("is announced once for many sends, again after a lease, and again after a second", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => send(String(index))));
    expect(world.takeReady()).toEqual(["prj_a/jobs"]);
    await lease(1);
    await send("after a lease");
    expect(world.takeReady()).toEqual(["prj_a/jobs"]);
    await send("no lease in between");
    expect(world.takeReady()).toEqual([]);
    world.timers.advance(1000);
    await send("a second later");
    expect(world.takeReady()).toEqual(["prj_a/jobs"]);
  });

  test("is announced when a delay, a retry's delay or a lease ends, without anyone asking", async () => {
    await send("delayed", 60);
    expect(world.takeReady()).toEqual([]);
    world.timers.advance(60_000);
    expect(world.takeReady()).toEqual(["prj_a/jobs"]);
    const [message] = await lease();
    world.timers.advance(LEASE_MS);
    expect(world.takeReady()).toEqual(["prj_a/jobs"]);
    await lease();
    await rpc["queue.settle"]({ ...jobs, retries: [{ id: message?.id ?? "", delaySeconds: 5 }] });
    world.timers.advance(4_999);
    expect(world.takeReady()).toEqual([]);
    world.timers.advance(1);
    expect(world.takeReady()).toEqual(["prj_a/jobs"]);
    await lease();
    await rpc["queue.settle"]({ ...jobs, acks: [message?.id ?? ""] });
    world.timers.advance(10 * LEASE_MS);
    expect(world.takeReady()).toEqual([]);
  });

  test("a restart finds queues with messages, announces them, and wakes for delayed ones", async () => {
    await send("now");
    await send("later", 60, "other");
    await rpc["queue.send"]({ projectId: "prj_b", queue: "jobs", messages: [{ body: "1" }] });
    world.takeReady();
    reopen();
    expect(rpc["queue.pending"]()).toEqual([
      { projectId: "prj_a", queue: "jobs", nextDueAt: world.clock.now() },
      { projectId: "prj_a", queue: "other", nextDueAt: world.clock.now() + 60_000 },
      { projectId: "prj_b", queue: "jobs", nextDueAt: world.clock.now() },
    ]);
    queues.resume();
    expect(world.takeReady()).toEqual(["prj_a/jobs", "prj_b/jobs"]);
    world.timers.advance(60_000);
    expect(world.takeReady()).toContain("prj_a/other");
  });

  test("a restart takes back what was leased at once, and counts no delivery for it", async () => {
    await send("interrupted");
    const [first] = await lease();
    expect(first?.attempts).toBe(1);
    reopen();
    queues.resume();
    world.takeReady();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(world.takeReady()).toEqual(["prj_a/jobs"]);
    const [again] = await lease();
    expect(again).toMatchObject({ id: first?.id, attempts: 1 });
  });

  test("a restart does not open projects without messages", async () => {
    await send("done");
    const [message] = await lease();
    await rpc["queue.settle"]({ ...jobs, acks: [message?.id ?? ""] });
    await rpc["queue.send"]({ projectId: "prj_b", queue: "jobs", messages: [{ body: "1" }] });
    world.timers.advance(60_000);
    await queues.tidy();
    const { states, queues: after } = world.open();
    after.resume();
    expect(after.pending().map(({ name }) => name.projectId)).toEqual(["prj_b"]);
    expect(states.openProjects()).toEqual(["prj_b"]);
  });

  test("tidying keeps a queue that a message is just arriving in", async () => {
    await send("done");
    const [message] = await lease();
    await rpc["queue.settle"]({ ...jobs, acks: [message?.id ?? ""] });
    const arriving = send("arriving");
    queues.resume();
    world.timers.advance(60_000);
    await Promise.all([queues.tidy(), arriving]);
    reopen();
    expect(rpc["queue.pending"]()).toMatchObject([{ projectId: "prj_a", queue: "jobs" }]);
  });

  test("redrive sends each dead letter back to where it came from, and leaves other messages", async () => {
    const policy = { maxRetries: 0, deadLetterQueue: "dead" };
    for (const queue of ["jobs", "other"]) {
      await send(`from ${queue}`, 0, queue);
      const [message] = await lease(1, queue);
      await rpc["queue.settle"]({ ...jobs, queue, ...policy, retries: [{ id: message?.id ?? "" }] });
    }
    await send("sent here", 0, "dead");
    world.takeReady();
    expect(await rpc["queue.redrive"]({ projectId: "prj_a", from: "dead" })).toEqual({ moved: 2 });
    expect(world.takeReady().sort()).toEqual(["prj_a/jobs", "prj_a/other"]);
    expect(bodies(await lease())).toEqual(["from jobs"]);
    expect(bodies(await lease(10, "other"))).toEqual(["from other"]);
    expect(bodies(await lease(10, "dead"))).toEqual(["sent here"]);
  });

  test("redrive to a queue moves everything that is not leased, however much", async () => {
    const messages = Array.from({ length: 100 }, (_, index) => ({ body: String(index) }));
    for (let i = 0; i < 12; i++) await rpc["queue.send"]({ ...dead, messages });
    await lease(3, "dead");
    expect(await rpc["queue.redrive"]({ projectId: "prj_a", from: "dead", to: "jobs" })).toEqual({ moved: 1197 });
    expect(rpc["queue.stats"](jobs)).toMatchObject({ backlogCount: 1197, availableCount: 1197 });
    expect(rpc["queue.stats"](dead)).toMatchObject({ backlogCount: 3, availableCount: 0 });
  });

  test("purge empties one queue only", async () => {
    for (let i = 0; i < 12; i++) {
      await rpc["queue.send"]({ ...jobs, messages: Array.from({ length: 100 }, () => ({ body: "1" })) });
    }
    await send("stays", 0, "other");
    const [leased] = await lease(1);
    expect(await rpc["queue.purge"](jobs)).toEqual({ purged: 1200 });
    expect(rpc["queue.stats"](jobs)).toMatchObject({ backlogCount: 0, backlogBytes: 0, sentCount: 1200 });
    expect(await rpc["queue.settle"]({ ...jobs, acks: [leased?.id ?? ""] })).toMatchObject({ acked: 0 });
    expect(bodies(await lease(10, "other"))).toEqual(["stays"]);
  });

  test("peek pages through everything, the oldest first, and takes nothing", async () => {
    for (let i = 0; i < 7; i++) {
      await send(String(i), i % 2 === 0 ? 0 : 60);
      if (i % 3 === 0) world.timers.advance(10);
    }
    const [leased] = await lease(1);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: ReturnType<(typeof rpc)["queue.peek"]> = rpc["queue.peek"]({ ...jobs, limit: 3, cursor });
      seen.push(...bodies(page.messages));
      for (const message of page.messages) expect(message.leased).toBe(message.id === leased?.id);
      cursor = page.cursor;
    } while (cursor !== null);
    expect(seen).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    expect(await lease()).toHaveLength(3);
  });

  test("list names the queues of a project with their counts", async () => {
    await send("a");
    await send("b", 0, "other");
    const [message] = await lease();
    await rpc["queue.settle"]({ ...jobs, acks: [message?.id ?? ""] });
    expect(rpc["queue.list"]({ projectId: "prj_a" }).queues).toMatchObject([
      { name: "jobs", backlogCount: 0, sentCount: 1, ackedCount: 1 },
      { name: "other", backlogCount: 1, sentCount: 1, ackedCount: 0 },
    ]);
    expect(rpc["queue.list"]({ projectId: "prj_b" }).queues).toEqual([]);
  });

  test("an id of another queue, or a guessed one, settles nothing", async () => {
    await send("m");
    const [message] = await lease();
    const id = message?.id ?? "";
    for (const guess of [`${id.slice(0, 12)}${"0".repeat(20)}`, "", "x", id.toUpperCase()]) {
      if (guess !== id) expect(await rpc["queue.settle"]({ ...jobs, acks: [guess] })).toMatchObject({ acked: 0 });
    }
    expect(await rpc["queue.settle"]({ ...dead, acks: [id] })).toMatchObject({ acked: 0 });
    expect(rpc["queue.stats"](jobs)).toMatchObject({ backlogCount: 1 });
  });

  test("many senders and consumers at once: each message is acknowledged exactly once", async () => {
    const total = 300;
    await Promise.all(Array.from({ length: total }, (_, index) => send(String(index))));
    const seen: string[] = [];
    async function consume(): Promise<void> {
      for (;;) {
        const messages = await lease(7);
        if (messages.length === 0) return;
        seen.push(...bodies(messages));
        await rpc["queue.settle"]({ ...jobs, acks: messages.map(({ id }) => id) });
      }
    }
    await Promise.all(Array.from({ length: 8 }, consume));
    expect(seen.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, index) => index));
    expect(rpc["queue.stats"](jobs)).toMatchObject({ backlogCount: 0, backlogBytes: 0, ackedCount: total });
  });

  test("a deleted project wakes nobody and is pending no more", async () => {
    await send("later", 60);
    await queues.deleteProject("prj_a");
    world.timers.advance(120_000);
    expect(world.takeReady()).toEqual([]);
    expect(rpc["queue.pending"]()).toEqual([]);
  });

  test.each([
    ["queue.send", { messages: [] }, "VALIDATION_ERROR"],
    ["queue.send", { messages: Array.from({ length: 101 }, () => ({ body: "1" })) }, "VALIDATION_ERROR"],
    ["queue.send", { messages: [{ body: "x".repeat(128 * 1024 + 1) }] }, "QUEUE_MESSAGE_TOO_LARGE"],
    [
      "queue.send",
      { messages: Array.from({ length: 3 }, () => ({ body: "x".repeat(100_000) })) },
      "QUEUE_MESSAGE_TOO_LARGE",
    ],
    ["queue.send", { messages: [{ body: "1", delaySeconds: -1 }] }, "VALIDATION_ERROR"],
    ["queue.send", { messages: [{ body: "1", delaySeconds: 86_401 }] }, "VALIDATION_ERROR"],
    ["queue.send", { messages: [{ body: "1", contentType: "xml" }] }, "VALIDATION_ERROR"],
    ["queue.send", { queue: "../x", messages: [{ body: "1" }] }, "VALIDATION_ERROR"],
    ["queue.lease", { maxMessages: 0, leaseMs: 1 }, "VALIDATION_ERROR"],
    ["queue.settle", { acks: [], maxRetries: 1, deadLetterQueue: "jobs" }, "VALIDATION_ERROR"],
    ["queue.peek", { cursor: "nonsense" }, "VALIDATION_ERROR"],
    ["queue.stats", {}, "NOT_FOUND"],
  ] as const)("%s of %j is refused", async (method, params, code) => {
    const handler = rpc[method] as (params: unknown) => unknown;
    const error = await Promise.resolve()
      .then(() => handler({ ...jobs, ...params }))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AerostackError);
    expect(error).toMatchObject({ code });
  });
});
