import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../state/seeded-random-test-support.ts";
import { createTestQueues } from "./queue-test-support.ts";

const NAME = { projectId: "prj_a", queue: "jobs" };
const DEAD = { projectId: "prj_a", queue: "dead" };
const OTHER = { projectId: "prj_a", queue: "other" };
const POLICY = { maxRetries: 1, deadLetterQueue: "dead" };
const LEASE_MS = 10_000;
const STEPS = 150;

interface ModelJob {
  status: "queued" | "processing" | "completed" | "failed" | "cancelled";
  attempts: number;
  /** When it can be delivered; null where it is in no queue any more, or among the dead letters. */
  visibleAt: number | null;
  queue: typeof NAME;
}

const DAY_MS = 24 * 60 * 60 * 1000;

describe("records of jobs against their model", () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "random jobs, keys, leases, settlements, cancellations, redrives, passing time and crashes, seed %i",
    async (seed) => {
      const random = createSeededRandom(seed);
      const world = createTestQueues();
      const { clock, timers } = world;
      const jobs = new Map<string, ModelJob>();
      const dedupe = new Map<string, { id: string; at: number }>();
      let { rpc } = world.open();
      const pick = () => random.pick([...jobs]) as [string, ModelJob] | undefined;
      /** A lease that ran out: the job waits again. */
      const pass = () => {
        for (const job of jobs.values()) {
          if (job.status === "processing" && (job.visibleAt ?? 0) <= clock.now()) job.status = "queued";
        }
      };

      for (let step = 0; step < STEPS; step++) {
        const chosen = pick();
        switch (random.integer(10)) {
          case 0:
          case 1: {
            const dedupeKey = random.chance(0.4) ? random.pick(["a", "b", "c"]) : null;
            const delaySeconds = random.pick([0, 0, 3]);
            const before = dedupeKey === null ? undefined : dedupe.get(dedupeKey);
            const known = before !== undefined && clock.now() - before.at < DAY_MS ? before.id : undefined;
            const { id, isNew } = await rpc["queue.enqueue"]({
              ...NAME,
              type: "t",
              data: "{}",
              dedupeKey,
              delaySeconds,
            });
            expect(isNew).toBe(known === undefined);
            if (known !== undefined) expect(id).toBe(known);
            else {
              const visibleAt = clock.now() + delaySeconds * 1000;
              jobs.set(id, { status: "queued", attempts: 0, visibleAt, queue: NAME });
              if (dedupeKey !== null) dedupe.set(dedupeKey, { id, at: clock.now() });
            }
            break;
          }
          case 2: {
            const queue = random.pick([NAME, NAME, OTHER]);
            const leased = await rpc["queue.lease"]({ ...queue, ...POLICY, maxMessages: 3, leaseMs: LEASE_MS });
            for (const { id, attempts } of leased) {
              const job = jobs.get(id);
              if (job === undefined) throw new Error("leased what there is not");
              expect([job.status, job.queue, (job.visibleAt ?? Number.POSITIVE_INFINITY) <= clock.now()]).toEqual([
                "queued",
                queue,
                true,
              ]);
              Object.assign(job, { status: "processing", attempts, visibleAt: clock.now() + LEASE_MS });
            }
            // Those that were available and not handed out were given up, or there were more than three.
            for (const [id, job] of jobs) {
              if (job.status !== "queued" || job.visibleAt === null || job.visibleAt > clock.now()) continue;
              if (job.attempts > POLICY.maxRetries && rpc["queue.job"]({ ...NAME, id })?.status === "failed") {
                Object.assign(job, { status: "failed", visibleAt: null });
              }
            }
            break;
          }
          case 3:
            if (chosen?.[1].status === "processing") {
              await rpc["queue.settle"]({ ...chosen[1].queue, ...POLICY, acks: [chosen[0]] });
              Object.assign(chosen[1], { status: "completed", visibleAt: null });
            }
            break;
          case 4:
            if (chosen?.[1].status === "processing") {
              const isLast = chosen[1].attempts > POLICY.maxRetries;
              const retries = [{ id: chosen[0], delaySeconds: 2 }];
              await rpc["queue.settle"]({ ...chosen[1].queue, ...POLICY, retries });
              const change = isLast
                ? { status: "failed", visibleAt: null }
                : { status: "queued", visibleAt: clock.now() + 2000 };
              Object.assign(chosen[1], change);
            }
            break;
          case 5:
            if (chosen !== undefined) {
              const { was } = await rpc["queue.cancel"]({ ...NAME, id: chosen[0] });
              expect(was).toBe(chosen[1].status);
              if (was === "queued" || was === "processing")
                Object.assign(chosen[1], { status: "cancelled", visibleAt: null });
            }
            break;
          case 6: {
            timers.advance(random.chance(0.1) ? DAY_MS - random.integer(2) : random.integer(8000));
            // What the alarm set off is written before the next step.
            await rpc["queue.settle"]({ ...NAME, acks: [] });
            pass();
            break;
          }
          case 7:
            if (random.chance(0.5)) ({ rpc } = world.open());
            break;
          case 8:
            if (random.chance(0.5)) {
              // Somebody looks after the dead letters: the jobs have failed all the same.
              const [letter] = await rpc["queue.lease"]({ ...DEAD, maxMessages: 1, leaseMs: 1 });
              if (letter !== undefined && random.chance(0.5)) await rpc["queue.settle"]({ ...DEAD, acks: [letter.id] });
              timers.advance(1);
              await rpc["queue.settle"]({ ...NAME, acks: [] });
              pass();
            }
            break;
          default:
            if (random.chance(0.5)) {
              const letters = rpc["queue.peek"](DEAD).messages.map(({ id }) => id);
              const to = random.pick([undefined, undefined, "other", "jobs"]);
              await rpc["queue.redrive"]({
                projectId: NAME.projectId,
                from: "dead",
                ...(to === undefined ? {} : { to }),
              });
              for (const id of letters) {
                const job = jobs.get(id);
                if (job === undefined) continue;
                const queue = to === undefined ? job.queue : to === "other" ? OTHER : NAME;
                Object.assign(job, { status: "queued", visibleAt: clock.now(), queue });
              }
              for (const [id, job] of jobs)
                if (letters.includes(id)) job.attempts = rpc["queue.job"]({ ...NAME, id })?.attempts ?? -1;
            }
        }
        for (const [id, job] of jobs) {
          const record = rpc["queue.job"]({ ...NAME, id });
          expect([id, record?.status, record?.attempts, step]).toEqual([id, job.status, job.attempts, step]);
          expect(record?.completedAt !== null).toBe(["completed", "failed", "cancelled"].includes(job.status));
        }
      }
      expect(world.errors).toEqual([]);
      world.remove();
    },
  );
});
