import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listSql } from "./job-store.ts";
import { createTestQueues } from "./queue-test-support.ts";

const NAME = { projectId: "prj_1", queue: "default" };
const DAY_MS = 24 * 60 * 60 * 1000;
const LEASE_MS = 60_000;

let test: ReturnType<typeof createTestQueues>;
let opened: ReturnType<ReturnType<typeof createTestQueues>["open"]>;

beforeEach(() => {
  test = createTestQueues();
  opened = test.open();
});
afterEach(() => test.remove());

const enqueue = (rest: object = {}) =>
  opened.rpc["queue.enqueue"]({ ...NAME, type: "mail", data: '{"to":"a"}', ...rest });
const jobOf = (id: string) => opened.rpc["queue.job"]({ ...NAME, id });
const lease = (rest: object = {}) =>
  opened.rpc["queue.lease"]({ ...NAME, maxMessages: 10, leaseMs: LEASE_MS, maxRetries: 1, ...rest });
const settle = (settlement: object) => opened.rpc["queue.settle"]({ ...NAME, maxRetries: 1, ...settlement });

describe("a job", () => {
  it("is delivered as a message with type, data and time, and its record tells how far it is", async () => {
    const { id, isNew } = await enqueue();
    expect(isNew).toBe(true);
    expect(await jobOf(id)).toMatchObject({ id, type: "mail", data: '{"to":"a"}', status: "queued", attempts: 0 });
    const [message] = await lease();
    expect(JSON.parse(Buffer.from(message?.body ?? "", "base64").toString())).toEqual({
      type: "mail",
      data: { to: "a" },
      queuedAt: new Date(test.clock.now()).toISOString(),
    });
    expect(await jobOf(id)).toMatchObject({ status: "processing", attempts: 1, completedAt: null });
    await settle({ acks: [id] });
    expect(await jobOf(id)).toMatchObject({ status: "completed", completedAt: test.clock.now(), error: null });
  });

  it("waits again when it is retried, with the reason, and fails after its last attempt", async () => {
    const { id } = await enqueue();
    await lease();
    await settle({ retries: [{ id, error: "no luck" }] });
    expect(await jobOf(id)).toMatchObject({ status: "queued", attempts: 1, error: "no luck" });
    await lease();
    await settle({ retries: [{ id, error: "again" }] });
    expect(await jobOf(id)).toMatchObject({
      status: "failed",
      attempts: 2,
      error: "again",
      completedAt: test.clock.now(),
    });
  });

  it("fails into the dead letters, and is a job again when it is taken out of them", async () => {
    const policy = { maxRetries: 0, deadLetterQueue: "dead" };
    const { id } = await enqueue();
    await lease(policy);
    await settle({ retries: [{ id }], ...policy });
    expect(await jobOf(id)).toMatchObject({ status: "failed" });
    await opened.rpc["queue.redrive"]({ projectId: NAME.projectId, from: "dead" });
    expect(await jobOf(id)).toMatchObject({ status: "queued", completedAt: null });
    await lease();
    await settle({ acks: [id] });
    expect(await jobOf(id)).toMatchObject({ status: "completed" });
  });

  it("that is cancelled before it began is never delivered; one that is being worked at is not tried again", async () => {
    const waiting = await enqueue();
    expect(await opened.rpc["queue.cancel"]({ ...NAME, id: waiting.id })).toEqual({ found: true, was: "queued" });
    expect(await lease()).toEqual([]);
    expect(await jobOf(waiting.id)).toMatchObject({ status: "cancelled" });
    expect(await opened.rpc["queue.cancel"]({ ...NAME, id: waiting.id })).toEqual({ found: true, was: "cancelled" });

    const running = await enqueue();
    await lease();
    expect(await opened.rpc["queue.cancel"]({ ...NAME, id: running.id })).toEqual({ found: true, was: "processing" });
    await settle({ retries: [{ id: running.id }], acks: [running.id] });
    expect(await jobOf(running.id)).toMatchObject({ status: "cancelled" });
    expect(await lease()).toEqual([]);
    expect(await opened.rpc["queue.cancel"]({ ...NAME, id: "0".repeat(32) })).toEqual({ found: false, was: null });
  });

  it("with a key that was used before is the job of then, for a day, whatever has become of that one", async () => {
    const first = await enqueue({ dedupeKey: "order-7" });
    expect(await enqueue({ dedupeKey: "order-7" })).toEqual({ id: first.id, isNew: false });
    expect(await enqueue({ dedupeKey: "order-8" })).toMatchObject({ isNew: true });
    expect(await lease()).toHaveLength(2);
    await settle({ acks: [first.id] });
    test.clock.advance(DAY_MS - 1);
    expect(await enqueue({ dedupeKey: "order-7" })).toEqual({ id: first.id, isNew: false });
    test.clock.advance(1);
    const second = await enqueue({ dedupeKey: "order-7" });
    expect(second).toMatchObject({ isNew: true });
    expect(await enqueue({ dedupeKey: "order-7" })).toEqual({ id: second.id, isNew: false });
    expect(await jobOf(first.id)).toMatchObject({ status: "completed" });
    test.clock.advance(8 * DAY_MS);
    expect(await enqueue({ dedupeKey: "order-7" })).toMatchObject({ isNew: true });
  });

  it("holds its key for no longer because it is still under way", async () => {
    const { id } = await enqueue({ dedupeKey: "slow", delaySeconds: 24 * 60 * 60 });
    test.clock.advance(DAY_MS);
    expect(await enqueue({ dedupeKey: "slow" })).toMatchObject({ isNew: true });
    expect(await jobOf(id)).toMatchObject({ status: "queued" });
    expect(await lease()).toHaveLength(2);
  });

  describe("that was redriven to another queue", () => {
    const policy = { maxRetries: 0, deadLetterQueue: "dead" };
    const rescue = { projectId: NAME.projectId, queue: "rescue" };
    const leaseThere = () =>
      opened.rpc["queue.lease"]({ ...rescue, maxMessages: 10, leaseMs: LEASE_MS, maxRetries: 1 });
    let id: string;
    beforeEach(async () => {
      ({ id } = await enqueue());
      await lease(policy);
      await settle({ retries: [{ id }], ...policy });
      await opened.rpc["queue.redrive"]({ projectId: NAME.projectId, from: "dead", to: "rescue" });
    });

    it("is the same job, and its record tells what becomes of it there", async () => {
      expect(await jobOf(id)).toMatchObject({ status: "queued", completedAt: null });
      expect(await leaseThere()).toMatchObject([{ id }]);
      expect(await jobOf(id)).toMatchObject({ status: "processing" });
      await opened.rpc["queue.settle"]({ ...rescue, acks: [id] });
      expect(await jobOf(id)).toMatchObject({ status: "completed" });
    });

    it("can be cancelled there: it is never delivered, and counts no more", async () => {
      expect(await opened.rpc["queue.cancel"]({ ...NAME, id })).toEqual({ found: true, was: "queued" });
      expect(await leaseThere()).toEqual([]);
      expect(await opened.rpc["queue.stats"](rescue)).toMatchObject({ backlogCount: 0, backlogBytes: 0 });
      expect(await opened.rpc["queue.stats"](NAME)).toMatchObject({ backlogCount: 0 });
      expect(await jobOf(id)).toMatchObject({ status: "cancelled" });
    });

    it("waits again when its lease there runs out, and when the process ends", async () => {
      await leaseThere();
      test.timers.advance(LEASE_MS);
      await expect.poll(() => jobOf(id)).toMatchObject({ status: "queued", attempts: 1 });
      await leaseThere();
      opened = test.open();
      opened.queues.resume();
      await expect.poll(() => jobOf(id)).toMatchObject({ status: "queued", attempts: 1 });
    });
  });

  it("that was under way when the process ended waits again, and the attempt does not count", async () => {
    const { id } = await enqueue();
    await lease();
    opened = test.open();
    opened.queues.resume();
    await expect.poll(() => jobOf(id)).toMatchObject({ status: "queued", attempts: 0 });
  });

  it("that was enqueued with a delay comes then", async () => {
    const { id } = await enqueue({ delaySeconds: 60 });
    expect(await lease()).toEqual([]);
    test.clock.advance(60_000);
    expect(await lease()).toMatchObject([{ id }]);
  });

  it("is known for seven days after its end, then its record goes", async () => {
    const { id } = await enqueue();
    await lease();
    await settle({ acks: [id] });
    test.clock.advance(7 * DAY_MS);
    expect(await jobOf(id)).not.toBeNull();
    test.clock.advance(1);
    expect(await jobOf(id)).toBeNull();
    await enqueue();
    const { count } = opened.states.read(NAME.projectId).prepare("SELECT count(*) AS count FROM queue_jobs").get() as {
      count: number;
    };
    expect(count).toBe(1);
  });

  it("is listed newest first, by status and type, page by page; nothing of another queue or project", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push((await enqueue({ type: index % 2 === 0 ? "even" : "odd" })).id);
    await opened.rpc["queue.enqueue"]({ ...NAME, queue: "other", type: "even", data: "1" });
    await opened.rpc["queue.enqueue"]({ ...NAME, projectId: "prj_2", type: "even", data: "1" });
    const list = (rest: object = {}) =>
      opened.rpc["queue.jobs"]({ ...NAME, status: null, type: null, limit: 2, cursor: null, ...rest });
    const idsOf = (page: Awaited<ReturnType<typeof list>>) => page.jobs.map(({ id }) => id);
    const first = await list();
    const second = await list({ cursor: first.cursor });
    const third = await list({ cursor: second.cursor });
    expect([...idsOf(first), ...idsOf(second), ...idsOf(third)]).toEqual(ids.toReversed());
    expect(third.cursor).toBeNull();
    expect(idsOf(await list({ type: "odd", limit: 10 }))).toEqual([ids[3], ids[1]]);
    await lease({ maxMessages: 1 });
    expect(idsOf(await list({ status: "processing" }))).toEqual([ids[0]]);
    expect(idsOf(await list({ status: "queued", type: "even" }))).toEqual([ids[4], ids[2]]);
    expect(idsOf(await list({ status: "processing", type: "odd" }))).toEqual([]);
    expect(() => list({ cursor: "nonsense" })).toThrow(expect.objectContaining({ code: "VALIDATION_ERROR" }));
    expect(await opened.rpc["queue.job"]({ ...NAME, projectId: "prj_2", id: ids[0] ?? "" })).toBeNull();
  });

  it.each(["", "AND status = :status", "AND type = :type", "AND status = :status AND type = :type"])(
    "is found in one stretch of an index, in order, by '%s'",
    (filter) => {
      const db = opened.states.read(NAME.projectId);
      const plan = db.prepare(`EXPLAIN QUERY PLAN ${listSql(filter)}`).all({
        queue: "default",
        before: 1,
        limit: 1,
        status: "failed",
        type: "mail",
      });
      const conditions = filter.split("AND").length - 1;
      expect(plan).toEqual([
        expect.objectContaining({
          detail: expect.stringMatching(
            new RegExp(
              `^SEARCH queue_jobs USING INDEX \\S+ \\((?:\\w+=\\? AND ){${conditions + 1}}(?:seq|rowid)<\\?\\)$`,
            ),
          ),
        }),
      ]);
    },
  );
});
