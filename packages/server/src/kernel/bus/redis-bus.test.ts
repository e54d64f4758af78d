import { afterEach, expect, it } from "vitest";
import { createLogger } from "../log.ts";
import { describeWithRedis } from "../redis-testing.ts";
import { testBusContract } from "./bus.contract.ts";
import type { Bus } from "./bus.ts";
import { createRedisBus } from "./redis-bus.ts";

const log = createLogger({ level: "silent" });

describeWithRedis("the bus in Redis", (open) => {
  const buses: Bus[] = [];
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.close();
  });
  async function openBus(shared = open()) {
    const bus = await createRedisBus({ ...shared, log });
    buses.push(bus);
    return bus;
  }

  /** A message that comes back proves that the subscriptions before it are in force. */
  function readiness(bus: Bus) {
    return () =>
      new Promise<void>((resolve) => {
        const stop = bus.subscribe("ready", () => {
          stop();
          clearInterval(timer);
          resolve();
        });
        const timer = setInterval(() => bus.publish("ready", true), 5);
      });
  }

  testBusContract(async () => {
    const bus = await openBus();
    return { bus, ready: readiness(bus) };
  });

  it("reaches the other servers", async () => {
    const shared = open();
    const [here, there] = [await openBus(shared), await openBus(shared)];
    const received = new Promise((resolve) => there.subscribe("a", resolve));
    await readiness(there)();
    here.publish("a", { n: 1 });
    expect(await received).toEqual({ n: 1 });
  });
});
