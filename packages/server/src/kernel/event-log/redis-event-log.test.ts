import { systemClock } from "@aerostack/kernel";
import { afterEach, expect, it } from "vitest";
import { createLogger } from "../log.ts";
import { describeWithRedis } from "../redis-testing.ts";
import { createEar, testEventLogContract } from "./event-log.contract.ts";
import type { EventLog } from "./event-log.ts";
import { createRedisEventLog } from "./redis-event-log.ts";

const log = createLogger({ level: "silent" });

describeWithRedis("the event log in Redis", (open) => {
  const logs: EventLog[] = [];
  afterEach(async () => {
    for (const one of logs.splice(0)) await one.close();
  });
  async function openLog(shared = open()) {
    const made = await createRedisEventLog({ ...shared, clock: systemClock, log });
    logs.push(made);
    return made;
  }

  testEventLogContract(() => openLog());

  it("lets every server hear the events of all in one order", async () => {
    const shared = open();
    const servers = [await openLog(shared), await openLog(shared), await openLog(shared)];
    const ears = servers.map(() => createEar());
    await Promise.all(servers.map((server, at) => server.follow("a", (ears[at] as (typeof ears)[0]).listener)));
    await Promise.all(
      Array.from({ length: 300 }, (_, n) => servers[n % 3]?.append([{ topic: "a", payload: String(n) }])),
    );
    await Promise.all(ears.map((ear) => ear.hears(300)));
    const [first, ...others] = ears.map((ear) => ear.heard);
    expect(new Set(first?.map(({ payload }) => payload)).size).toBe(300);
    for (const other of others) expect(other).toEqual(first);
  });

  it("tells followers what was added while their connection to Redis was lost", async () => {
    const shared = open();
    const { redis, prefix } = shared;
    const name = prefix.replaceAll(":", "-");
    const losing = redis.duplicate({ connectionName: name, retryStrategy: () => 5 });
    await losing.connect();
    const [here, there] = [await openLog({ redis: losing, prefix }), await openLog(shared)];
    const ear = createEar();
    await here.follow("a", ear.listener);
    await there.append([{ topic: "a", payload: "0" }]);
    await ear.hears(1);
    for (let round = 1; round <= 5; round++) {
      const clients = String(await redis.client("LIST", "TYPE", "PUBSUB")).split("\n");
      for (const client of clients.filter((line) => line.includes(` name=${name} `))) {
        await redis.client("KILL", "ID", Number(/^id=(\d+)/.exec(client)?.[1]));
      }
      await there.append([{ topic: "a", payload: String(round) }]);
    }
    await ear.hears(6);
    expect(ear.payloads()).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(ear.gaps).toBe(0);
    losing.disconnect();
  });

  it("says that something was missed when Redis does not have it any more", async () => {
    const shared = open();
    const ear = createEar();
    const here = await openLog(shared);
    await here.follow("a", ear.listener);
    await here.append([{ topic: "a", payload: "1" }]);
    await ear.hears(1);
    await shared.redis.del(`${shared.prefix}a`);
    await shared.redis.incrby(`${shared.prefix}a:last`, 10);
    await here.append([{ topic: "a", payload: "12" }]);
    await ear.hears(2);
    expect(ear.gaps).toBe(1);
    expect(ear.payloads()).toEqual(["1", "12"]);
  });
});
