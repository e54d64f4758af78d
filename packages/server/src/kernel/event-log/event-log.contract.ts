// What every event log guarantees; run by the tests of each.
import { expect, it } from "vitest";
import type { EventListener, EventLog, NewEvent } from "./event-log.ts";
import { MAX_EVENTS_PER_TOPIC } from "./event-log.ts";

/** A listener that keeps what it hears. */
export function createEar() {
  const heard: { readonly seq: number | null; readonly payload: string }[] = [];
  const waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  let gaps = 0;
  const listener: EventListener = {
    onEvent(seq, payload) {
      heard.push({ seq, payload });
      for (const waiter of waiters) if (heard.length >= waiter.count) waiter.resolve();
    },
    onGap: () => void gaps++,
  };
  return {
    listener,
    heard,
    get gaps() {
      return gaps;
    },
    payloads: () => heard.map(({ payload }) => payload),
    /** Resolves when it has heard so many. */
    hears: (count: number) =>
      heard.length >= count ? Promise.resolve() : new Promise<void>((resolve) => waiters.push({ count, resolve })),
  };
}

const of = (topic: string, ...payloads: string[]): NewEvent[] => payloads.map((payload) => ({ topic, payload }));

/** @param open another call is another server of the same installation, where there can be several. */
export function testEventLogContract(open: () => Promise<EventLog>): void {
  it("hands out a topic's events in order under numbers without gaps, and no other topic's", async () => {
    const log = await open();
    const ear = createEar();
    const { seq } = await log.follow("a", ear.listener);
    const first = await log.append(of("a", "1", "2"));
    await log.append([...of("b", "x"), ...of("a", "3")]);
    await ear.hears(3);
    expect(ear.heard).toEqual([
      { seq: seq + 1, payload: "1" },
      { seq: seq + 2, payload: "2" },
      { seq: seq + 3, payload: "3" },
    ]);
    expect(first).toEqual([seq + 1, seq + 2]);
  });

  it("hands nothing to who has stopped following", async () => {
    const log = await open();
    const [ended, staying] = [createEar(), createEar()];
    const following = await log.follow("a", ended.listener);
    await log.follow("a", staying.listener);
    following.stop();
    following.stop();
    await log.append(of("a", "1"));
    await staying.hears(1);
    expect(ended.heard).toEqual([]);
  });

  it("announces in order with the events, without a number and without keeping it", async () => {
    const log = await open();
    const ear = createEar();
    const { seq } = await log.follow("a", ear.listener);
    await log.append(of("a", "1"));
    log.announce("a", "hello");
    await log.append(of("a", "2"));
    await ear.hears(3);
    expect(ear.heard.map(({ seq: number, payload }) => [number, payload])).toEqual([
      [seq + 1, "1"],
      [null, "hello"],
      [seq + 2, "2"],
    ]);
    expect((await log.readAfter("a", seq)).events.map(({ payload }) => payload)).toEqual(["1", "2"]);
  });

  it("reads what came after a number, and says when something of it is gone or the number was never one", async () => {
    const log = await open();
    const [one = 0] = await log.append(of("a", "1"));
    const [, last = 0] = await log.append(of("a", "2", "3"));
    expect(await log.readAfter("a", one)).toEqual({
      events: [
        { seq: one + 1, payload: "2" },
        { seq: one + 2, payload: "3" },
      ],
      isComplete: true,
    });
    expect(await log.readAfter("a", last)).toEqual({ events: [], isComplete: true });
    expect((await log.readAfter("a", last + 5)).isComplete).toBe(false);
    expect((await log.readAfter("a", one - 5)).isComplete).toBe(false);
    expect(await log.readAfter("nobody wrote here", 1)).toEqual({ events: [], isComplete: false });
  });

  it("keeps a bounded number of events", async () => {
    const log = await open();
    const [first = 0] = await log.append(of("a", "first"));
    for (let round = 0; round < 20; round++) {
      await log.append(of("a", ...Array.from({ length: MAX_EVENTS_PER_TOPIC / 5 }, (_, n) => `${round} ${n}`)));
    }
    const { events, isComplete } = await log.readAfter("a", first - 1);
    expect(isComplete).toBe(false);
    expect(events.length).toBeGreaterThanOrEqual(MAX_EVENTS_PER_TOPIC / 2);
    expect(events.length).toBeLessThanOrEqual(MAX_EVENTS_PER_TOPIC * 2);
    const recent = events.at(-500)?.seq ?? 0;
    expect((await log.readAfter("a", recent)).isComplete).toBe(true);
  });

  it("adds what a source hands over again once", async () => {
    const log = await open();
    expect(await log.positionOf("s")).toBeNull();
    const numbers = await log.append(of("a", "1"), { source: "s", position: 10 });
    expect(numbers).toHaveLength(1);
    expect(await log.append(of("a", "1"), { source: "s", position: 10 })).toEqual([]);
    expect(await log.append(of("a", "0"), { source: "s", position: 9 })).toEqual([]);
    await log.append(of("a", "2"), { source: "s", position: 11 });
    await log.append([], { source: "s", position: 12 });
    expect(await log.positionOf("s")).toBe(12);
    const { events } = await log.readAfter("a", (numbers[0] ?? 0) - 1);
    expect(events.map(({ payload }) => payload)).toEqual(["1", "2"]);
  });
}
