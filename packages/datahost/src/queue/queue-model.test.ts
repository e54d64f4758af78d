import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../state/seeded-random-test-support.ts";
import { createTestQueues } from "./queue-test-support.ts";

const QUEUES = ["jobs", "other", "dead"] as const;
const STEPS = 300;

interface ModelMessage {
  readonly id: string;
  readonly order: number;
  queue: string;
  visibleAt: number;
  attempts: number;
  leased: boolean;
}

/** A list of messages and a clock. */
function createModel(now: () => number) {
  let messages: ModelMessage[] = [];
  const of = (queue: string) => messages.filter((message) => message.queue === queue);
  return {
    all: () => messages,
    of,
    add: (message: ModelMessage) => messages.push(message),
    lease(queue: string, max: number, leaseMs: number): { id: string; attempts: number }[] {
      const taken = of(queue)
        .filter((message) => message.visibleAt <= now())
        .sort((one, other) => one.visibleAt - other.visibleAt || one.order - other.order)
        .slice(0, max);
      for (const message of taken) {
        message.visibleAt = now() + leaseMs;
        message.attempts += 1;
        message.leased = true;
      }
      return taken.map(({ id, attempts }) => ({ id, attempts }));
    },
    ack(queue: string, id: string): void {
      messages = messages.filter((message) => message.id !== id || message.queue !== queue);
    },
    retry(queue: string, id: string, delayMs: number, maxRetries: number, deadLetterQueue: string | undefined): void {
      const message = messages.find((one) => one.id === id && one.queue === queue);
      if (message?.leased !== true) return;
      message.leased = false;
      message.visibleAt = now() + delayMs;
      if (message.attempts <= maxRetries) return;
      if (deadLetterQueue === undefined) {
        messages = messages.filter((one) => one !== message);
        return;
      }
      message.queue = deadLetterQueue;
      message.visibleAt = now();
      message.attempts = 0;
    },
    nextDue(queue: string): number | null {
      const times = of(queue).map((message) => message.visibleAt);
      return times.length === 0 ? null : Math.max(now(), Math.min(...times));
    },
  };
}

describe("queues against their model", () => {
  test.each(Array.from({ length: 10 }, (_, seed) => seed))(
    "random sends, leases, settlements, delays and crashes, seed %i",
    async (seed) => {
      const random = createSeededRandom(seed);
      const world = createTestQueues();
      const { clock, timers } = world;
      const model = createModel(() => clock.now());
      const known: { id: string; queue: string }[] = [];
      const acknowledged = new Set<string>();
      let { rpc } = world.open();
      let order = 0;

      for (let step = 0; step < STEPS; step++) {
        const scope = { projectId: "prj_a", queue: random.pick(QUEUES) };
        switch (random.integer(7)) {
          case 0:
          case 1: {
            const delays = Array.from({ length: 1 + random.integer(3) }, () => random.pick([0, 0, 1, 5]));
            const { ids } = await rpc["queue.send"]({
              ...scope,
              messages: delays.map((delaySeconds) => ({ body: String(step), delaySeconds })),
            });
            ids.forEach((id, index) => {
              const visibleAt = clock.now() + (delays[index] ?? 0) * 1000;
              model.add({ id, order: order++, queue: scope.queue, visibleAt, attempts: 0, leased: false });
            });
            break;
          }
          case 2: {
            const maxMessages = 1 + random.integer(4);
            const leaseMs = 1000 * (1 + random.integer(5));
            const leased = await rpc["queue.lease"]({ ...scope, maxMessages, leaseMs });
            const expected = model.lease(scope.queue, maxMessages, leaseMs);
            expect(leased.map(({ id, attempts }) => ({ id, attempts }))).toEqual(expected);
            for (const { id } of leased) {
              expect(acknowledged.has(id), "an acknowledged message came again").toBe(false);
              known.push({ id, queue: scope.queue });
            }
            break;
          }
          case 3:
          case 4: {
            // Any message ever leased, also in a queue where it is not any more.
            const chosen = Array.from({ length: random.integer(4) }, () => random.pick(known)).filter(Boolean);
            const acks = chosen.filter(() => random.chance(0.5)).map(({ id }) => id);
            const retries = chosen
              .filter(({ id }) => !acks.includes(id))
              .map(({ id }) => ({ id, delaySeconds: random.pick([0, 2]) }));
            const deadLetterQueue = scope.queue === "dead" || random.chance(0.3) ? undefined : "dead";
            const maxRetries = random.integer(3);
            await rpc["queue.settle"]({
              ...scope,
              acks,
              retries,
              maxRetries,
              ...(deadLetterQueue && { deadLetterQueue }),
            });
            for (const id of acks) {
              if (model.of(scope.queue).some((message) => message.id === id)) acknowledged.add(id);
              model.ack(scope.queue, id);
            }
            for (const { id, delaySeconds } of retries) {
              model.retry(scope.queue, id, delaySeconds * 1000, maxRetries, deadLetterQueue);
            }
            break;
          }
          case 5:
            timers.advance(random.integer(4000));
            break;
          default:
            if (random.chance(0.3)) ({ rpc } = world.open());
            expect(rpc["queue.nextDue"](scope)).toBe(model.nextDue(scope.queue));
        }
      }

      ({ rpc } = world.open());
      const pending = new Set(rpc["queue.pending"]().map(({ queue }) => queue));
      for (const queue of QUEUES) {
        const expected = model.of(queue);
        const { messages } = rpc["queue.peek"]({ projectId: "prj_a", queue });
        expect(messages.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
        if (expected.length > 0) {
          expect(pending).toContain(queue);
          expect(rpc["queue.stats"]({ projectId: "prj_a", queue }).backlogCount).toBe(expected.length);
        }
      }
      expect(world.errors).toEqual([]);
      world.remove();
    },
  );
});
