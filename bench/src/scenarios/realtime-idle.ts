import { setTimeout as delay } from "node:timers/promises";
import { createDeveloper } from "../../../e2e/harness/developer.ts";
import { compare, series } from "../comparison.ts";
import { treeMemory } from "../memory.ts";
import type { Scenario } from "../scenario.ts";
import { startServerUnderTest } from "../server-under-test.ts";
import { gatherCrowd } from "../websocket-crowd.ts";

const CONNECTIONS = 10_000;
const LIMIT_KB = 40;
const SETTLE_MS = 8_000;
const KB_PER_MB = 1024;

/** (j) What the server holds for WebSockets that are open and silent, each subscribed to one topic. */
export const realtimeIdle: Scenario = {
  name: "realtime-idle",
  title: "Realtime: memory of idle WebSockets",
  needsWrk: false,
  async run(context) {
    const server = await startServerUnderTest(context);
    const developer = await createDeveloper(server);
    const project = await developer.createProject("bench");
    const { secret } = await developer.createKey(project);
    await delay(SETTLE_MS);
    const before = treeMemory(server.pid).totalMb;
    const address = `${server.url.replace("http", "ws")}/api/realtime?projectId=${project.id}`;
    const crowd = context.resources.use(await gatherCrowd(address, CONNECTIONS, { "x-aerostack-key": secret }));
    crowd.sayAll(JSON.stringify({ type: "subscribe", topic: `room/bench/${project.id}` }));
    await crowd.quiet();
    await delay(SETTLE_MS);
    const after = treeMemory(server.pid).totalMb;
    const each = ((after - before) * KB_PER_MB) / CONNECTIONS;
    context.say(`${CONNECTIONS} connections: ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB with them`);
    return [
      compare({
        id: "realtime-idle/memory",
        title: `memory of all processes for each of ${CONNECTIONS.toLocaleString("en")} idle WebSockets`,
        unit: "KB",
        ours: series("ours", [each]),
        target: { of: "value", is: "at most", limit: LIMIT_KB },
      }),
    ];
  },
};
