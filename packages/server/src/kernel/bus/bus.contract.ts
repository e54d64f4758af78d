// What every bus guarantees; run by the tests of each.
import { expect, it } from "vitest";
import type { Bus } from "./bus.ts";

/** Resolves with the next messages of a topic. */
function collect(bus: Bus, topic: string, count: number) {
  const received: unknown[] = [];
  let resolve: (messages: unknown[]) => void = () => undefined;
  const done = new Promise<unknown[]>((settle) => {
    resolve = settle;
  });
  const stop = bus.subscribe(topic, (message) => {
    received.push(message);
    if (received.length === count) resolve(received);
  });
  return { done, received, stop };
}

/** @param ready resolves when subscriptions made so far are in force. */
export function testBusContract(open: () => Promise<{ readonly bus: Bus; readonly ready: () => Promise<void> }>): void {
  it("hands a message to every subscriber of its topic and to no other, in order", async () => {
    const { bus, ready } = await open();
    const first = collect(bus, "a", 2);
    const second = collect(bus, "a", 2);
    const other = collect(bus, "b", 1);
    await ready();
    bus.publish("a", { n: 1 });
    bus.publish("a", { n: 2 });
    bus.publish("b", ["x"]);
    expect(await first.done).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await second.done).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await other.done).toEqual([["x"]]);
  });

  it("hands nothing to who has ended the subscription", async () => {
    const { bus, ready } = await open();
    const ended = collect(bus, "a", 1);
    const staying = collect(bus, "a", 1);
    await ready();
    ended.stop();
    ended.stop();
    bus.publish("a", 1);
    expect(await staying.done).toEqual([1]);
    expect(ended.received).toEqual([]);
  });

  it("hands out copies: a handler cannot change what others see", async () => {
    const { bus, ready } = await open();
    bus.subscribe("a", (message) => {
      (message as { n: number }).n = 99;
    });
    const second = collect(bus, "a", 1);
    await ready();
    bus.publish("a", { n: 1 });
    expect(await second.done).toEqual([{ n: 1 }]);
  });
}
