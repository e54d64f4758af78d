import { createDeveloper } from "../../../e2e/harness/developer.ts";
import { startBaseline } from "../baselines/start-baseline.ts";
import { compare, type Series, series } from "../comparison.ts";
import { cpuPerRequest, readCpuUse } from "../cpu-use.ts";
import { MAX_DISTURBANCE, QUIET_TIMEOUT_MS, untilLeftAlone, watchForeignLoad } from "../foreign-load.ts";
import { type ProcessFacts, processTree } from "../process-tree.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { startServerUnderTest } from "../server-under-test.ts";
import { sideBySide } from "../side-by-side.ts";
import { median } from "../statistics.ts";
import { type Crowd, gatherCrowd } from "../websocket-crowd.ts";

const SUBSCRIBERS = 1000;
/** Messages under way at once: the server never waits for the publisher, and nobody falls behind. */
const WINDOW = 4;
const OF_BARE = 0.7;
const DATA = { text: "x".repeat(100), n: 1 };

interface FanOut {
  readonly name: string;
  readonly publisher: Crowd;
  readonly subscribers: Crowd;
  readonly message: string;
  readonly processes: () => readonly ProcessFacts[];
}

interface Report {
  readonly deliveriesPerSecond: number;
  readonly cpuUsPerDelivery: Readonly<Record<string, number>>;
}

/** Publishes for so long. Every message is as long as every other, so bytes tell how many have arrived. */
async function publishFor(side: FanOut, seconds: number): Promise<Report> {
  const { publisher, subscribers, message, processes } = side;
  await subscribers.quiet();
  subscribers.takeBytes();
  publisher.say(0, message);
  await subscribers.quiet();
  const bytesPerMessage = subscribers.takeBytes();
  const before = readCpuUse(processes());
  const startedAt = performance.now();
  let sent = 0;
  let received = 0;
  while (performance.now() - startedAt < seconds * 1000) {
    for (let n = 0; n < WINDOW; n++) publisher.say(0, message);
    sent += WINDOW;
    await subscribers.receives(bytesPerMessage * WINDOW);
    received += subscribers.takeBytes();
  }
  const elapsed = (performance.now() - startedAt) / 1000;
  if (received !== sent * bytesPerMessage) throw new Error(`${side.name}: messages were lost or changed their size`);
  const deliveries = sent * SUBSCRIBERS;
  return {
    deliveriesPerSecond: deliveries / elapsed,
    cpuUsPerDelivery: cpuPerRequest(before, readCpuUse(processes()), deliveries),
  };
}

async function ours(context: ScenarioContext): Promise<FanOut> {
  const server = await startServerUnderTest(context);
  const developer = await createDeveloper(server);
  const project = await developer.createProject("bench");
  const { secret } = await developer.createKey(project);
  const address = `${server.url.replace("http", "ws")}/api/realtime?projectId=${project.id}`;
  const headers = { "x-aerostack-key": secret };
  const subscribers = context.resources.use(await gatherCrowd(address, SUBSCRIBERS, headers));
  subscribers.sayAll(JSON.stringify({ type: "subscribe", topic: `room/bench/${project.id}` }));
  const publisher = context.resources.use(await gatherCrowd(address, 1, headers));
  const message = { type: "publish", topic: `room/bench/${project.id}`, event: "tick", data: DATA };
  return {
    name: "Aerostack",
    publisher,
    subscribers,
    message: JSON.stringify(message),
    processes: () => processTree(server.pid),
  };
}

async function bare(context: ScenarioContext, bytes: number): Promise<FanOut> {
  const baseline = context.resources.use(await startBaseline("bare-ws.ts", []));
  const subscribers = context.resources.use(await gatherCrowd(`${baseline.url}/`, SUBSCRIBERS));
  const publisher = context.resources.use(await gatherCrowd(`${baseline.url}/`, 1));
  return {
    name: "bare ws",
    publisher,
    subscribers,
    // As long as what our subscribers receive.
    message: JSON.stringify({ ...DATA, padding: "x".repeat(Math.max(0, bytes - 150)) }),
    processes: () => processTree(baseline.pid),
  };
}

/** (i) One publisher, a thousand subscribers. */
export const realtimeFanout: Scenario = {
  name: "realtime-fanout",
  title: "Realtime: one publisher to a thousand subscribers",
  needsWrk: false,
  async run(context) {
    const { plan, say } = context;
    const left = await ours(context);
    await left.subscribers.quiet();
    left.subscribers.takeBytes();
    left.publisher.say(0, left.message);
    await left.subscribers.quiet();
    const right = await bare(context, left.subscribers.takeBytes() / SUBSCRIBERS);
    const sides = [left, right];
    for (const side of sides) await publishFor(side, plan.warmUpSeconds);
    const rounds = await sideBySide(
      sides.map((side) => ({
        name: side.name,
        run: async () => {
          const report = await publishFor(side, plan.roundSeconds);
          say(`${side.name}: ${report.deliveriesPerSecond.toFixed(0)} deliveries/s`);
          return report;
        },
      })),
      {
        rounds: plan.rounds,
        repeats: plan.repeats,
        maxDisturbance: MAX_DISTURBANCE,
        watch: watchForeignLoad,
        beforeRound: () => untilLeftAlone(MAX_DISTURBANCE, QUIET_TIMEOUT_MS),
      },
    );
    const measured = (side: FanOut): Series => {
      const reports = rounds.flatMap(({ reports: all }) => all.get(side.name) ?? []);
      const roles = new Set(reports.flatMap(({ cpuUsPerDelivery }) => Object.keys(cpuUsPerDelivery)));
      return series(
        side.name,
        reports.map(({ deliveriesPerSecond }) => deliveriesPerSecond),
        {
          disturbances: rounds.map(({ disturbance }) => disturbance),
          cpuUsPerRequest: Object.fromEntries(
            [...roles].map((role) => [
              role,
              median(reports.map(({ cpuUsPerDelivery }) => cpuUsPerDelivery[role] ?? 0)),
            ]),
          ),
        },
      );
    };
    return [
      compare({
        id: "realtime-fanout/deliveries",
        title: "messages delivered to 1,000 subscribers, against bare ws",
        unit: "messages/s",
        ours: measured(left),
        baseline: measured(right),
        target: { of: "ratio", is: "at least", limit: OF_BARE },
      }),
    ];
  },
};
