import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it, vi } from "vitest";
import {
  createQueueDispatcher,
  type LeasedMessage,
  type QueueConsumer,
  type QueueOutcome,
  type QueueSettlement,
  settlementOf,
} from "./queue-dispatcher.ts";

const ok: QueueOutcome = {
  outcome: "ok",
  error: null,
  ackAll: false,
  retryBatch: { retry: false },
  explicitAcks: [],
  retryMessages: [],
};

function message(id: string): LeasedMessage {
  return { id, timestamp: 0, attempts: 1, contentType: "json", body: "e30=" };
}

const consumer: QueueConsumer = {
  projectId: "prj_1",
  storedQueue: "jobs",
  deadLetterQueue: undefined,
  config: { queue: "jobs", maxBatchSize: 3, maxBatchTimeoutSeconds: 0, maxRetries: 3, retryDelaySeconds: 7 },
};

describe("what a batch's outcome does to each message", () => {
  const batch = [message("a"), message("b"), message("c")];
  const cases: [string, Partial<QueueOutcome>, QueueSettlement][] = [
    ["a clean return acks all", {}, { acks: ["a", "b", "c"], retries: [] }],
    [
      "a throw retries what was not acked by name",
      { outcome: "exception", explicitAcks: ["b"] },
      {
        acks: ["b"],
        retries: [
          { id: "a", delaySeconds: 7, error: "queue() ended with 'exception'." },
          { id: "c", delaySeconds: 7, error: "queue() ended with 'exception'." },
        ],
      },
    ],
    [
      "a throw says what was thrown, where that is known",
      { outcome: "exception", error: "TypeError: no such user", explicitAcks: ["a", "b"] },
      {
        acks: ["a", "b"],
        retries: [{ id: "c", delaySeconds: 7, error: "queue() failed with TypeError: no such user" }],
      },
    ],
    [
      "retry() of one message wins over the clean return, with its own delay",
      { retryMessages: [{ msgId: "c", delaySeconds: 60 }] },
      {
        acks: ["a", "b"],
        retries: [{ id: "c", delaySeconds: 60, error: "The function asked for it to be delivered again." }],
      },
    ],
    [
      "retryAll() spares the acked",
      { retryBatch: { retry: true, delaySeconds: 5 }, explicitAcks: ["a"] },
      {
        acks: ["a"],
        retries: [
          { id: "b", delaySeconds: 5, error: "The function asked for it to be delivered again." },
          { id: "c", delaySeconds: 5, error: "The function asked for it to be delivered again." },
        ],
      },
    ],
    [
      "ackAll() before a throw keeps the acks",
      { outcome: "exception", ackAll: true },
      { acks: ["a", "b", "c"], retries: [] },
    ],
  ];
  it.each(cases)("%s", (_name, outcome, expected) => {
    expect(settlementOf(batch, { ...ok, ...outcome }, () => 7)).toEqual(expected);
  });
});

function worldOf(total: number, deliver: (messages: readonly LeasedMessage[]) => Promise<QueueOutcome>) {
  const waiting = Array.from({ length: total }, (_, index) => message(`m${index}`));
  const settlements: QueueSettlement[] = [];
  let inDelivery = 0;
  let mostInDelivery = 0;
  let done = () => {};
  const allSettled = new Promise<void>((resolve) => {
    done = resolve;
  });
  const dispatcher = createQueueDispatcher({
    clock: createManualClock(0),
    leaseMs: 1000,
    findConsumer: async () => consumer,
    availableCount: async () => waiting.length,
    lease: async (_consumer, max) => waiting.splice(0, max),
    settle: async (_consumer, settlement) => {
      settlements.push(settlement);
      if (settlements.flatMap((one) => [...one.acks, ...one.retries]).length === total) done();
    },
    deliver: async (_consumer, messages) => {
      inDelivery++;
      mostInDelivery = Math.max(mostInDelivery, inDelivery);
      try {
        return settlementOf(messages, await deliver(messages), () => 7);
      } finally {
        inDelivery--;
      }
    },
    nextDueAt: async () => (waiting.length > 0 ? 0 : null),
    onError: () => {},
  });
  return { dispatcher, settlements, allSettled, most: () => mostInDelivery };
}

describe("delivery", () => {
  it("settles every message of a backlog exactly once, in batches, at most four at a time", async () => {
    const world = worldOf(50, async () => ok);
    world.dispatcher.wake("prj_1", "jobs");
    world.dispatcher.wake("prj_1", "jobs");
    await world.allSettled;
    await world.dispatcher.close();
    const acks = world.settlements.flatMap((one) => one.acks);
    expect(new Set(acks).size).toBe(50);
    expect(acks).toHaveLength(50);
    expect(world.most()).toBeLessThanOrEqual(4);
  });

  it("hands a full batch over at once, and holds an incomplete one back for as long as its consumer says", async () => {
    vi.useFakeTimers();
    try {
      const clock = createManualClock(0);
      const waiting = [message("a"), message("b"), message("c"), message("d")];
      const delivered: string[][] = [];
      const dispatcher = createQueueDispatcher({
        clock,
        leaseMs: 1000,
        findConsumer: async () => ({ ...consumer, config: { ...consumer.config, maxBatchTimeoutSeconds: 5 } }),
        availableCount: async () => waiting.length,
        lease: async (_consumer, max) => waiting.splice(0, max),
        settle: async () => {},
        deliver: async (_consumer, messages) => {
          delivered.push(messages.map((one) => one.id));
          return settlementOf(messages, ok, () => 7);
        },
        nextDueAt: async () => (waiting.length > 0 ? 0 : null),
        onError: () => {},
      });
      dispatcher.wake("prj_1", "jobs");
      await vi.advanceTimersByTimeAsync(0);
      expect(delivered).toEqual([["a", "b", "c"], ["d"]]);
      waiting.push(message("e"), message("f"));
      dispatcher.wake("prj_1", "jobs");
      await vi.advanceTimersByTimeAsync(0);
      clock.advance(4999);
      await vi.advanceTimersByTimeAsync(4999);
      expect(delivered).toHaveLength(2);
      clock.advance(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(delivered.at(-1)).toEqual(["e", "f"]);
      await dispatcher.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it("retries the whole batch when the function's process dies", async () => {
    const world = worldOf(2, async () => {
      throw new Error("crashed");
    });
    world.dispatcher.wake("prj_1", "jobs");
    await world.allSettled;
    await world.dispatcher.close();
    expect(world.settlements).toEqual([
      {
        acks: [],
        retries: [
          { id: "m0", delaySeconds: 7, error: "The consumer was not reached." },
          { id: "m1", delaySeconds: 7, error: "The consumer was not reached." },
        ],
      },
    ]);
  });
});
