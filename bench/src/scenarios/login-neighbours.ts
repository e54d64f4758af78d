import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { compare, series } from "../comparison.ts";
import { MAX_DISTURBANCE, QUIET_TIMEOUT_MS, untilLeftAlone, watchForeignLoad } from "../foreign-load.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { deployWorkload, startServerUnderTest } from "../server-under-test.ts";
import { sideBySide } from "../side-by-side.ts";
import { percentile } from "../statistics.ts";

const PATH = "/v1/cache/get";
/** Offered; as many are answered 503 as cannot be done, which costs the neighbours too. */
const LOGINS_PER_SECOND = 50;
const READ_EVERY_MS = 5;
/** Until the threads that hash are as busy as they get. */
const SETTLE_MS = 1_000;
/** A read may take this many times as long while others log in. */
const OF_IDLE = 3;
const OK = 200;

interface Call {
  readonly url: string;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** @returns the status */
function post({ url, agent, headers, body }: Call): Promise<number> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const length = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const req = request(url, { method: "POST", agent, headers: { ...headers, ...length } }, (res) => {
      res.resume();
      res.once("end", () => resolve(res.statusCode ?? 0));
    });
    req.once("error", reject);
    req.end(text);
  });
}

/** Reads at a steady pace, whatever the answers take. @returns how long each took, in ms */
async function readFor(seconds: number, read: () => Promise<number>): Promise<readonly number[]> {
  const samplesMs: number[] = [];
  const running: Promise<void>[] = [];
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    const startedAt = performance.now();
    running.push(
      read().then((status) => {
        if (status !== OK) throw new Error(`a read was answered ${status}`);
        samplesMs.push(performance.now() - startedAt);
      }),
    );
    await delay(READ_EVERY_MS);
  }
  await Promise.all(running);
  return samplesMs;
}

/** Logs in at a steady pace until it is told to stop, each time somebody else from somewhere else. */
function startLogins(logIn: () => Promise<number>): { stop(): Promise<ReadonlyMap<number, number>> } {
  const statuses = new Map<number, number>();
  const running = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const one = logIn()
      .then((status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1))
      .finally(() => running.delete(one));
    running.add(one);
  }, 1_000 / LOGINS_PER_SECOND);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
      return statuses;
    },
  };
}

async function prepare(context: ScenarioContext) {
  const server = await startServerUnderTest(context, { AEROSTACK_TRUST_PROXY: "127.0.0.1" });
  const { project, headers } = await deployWorkload(server);
  const agents = { read: new Agent({ keepAlive: true }), logIn: new Agent({ keepAlive: true }) };
  context.resources.defer(() => {
    agents.read.destroy();
    agents.logIn.destroy();
  });
  const read = () => post({ url: `${server.url}${PATH}`, agent: agents.read, headers, body: { key: "key-1" } });
  // An address that nobody has costs what a wrong password costs, and any number of them may be tried.
  let attempts = 0;
  const logIn = () => {
    const n = ++attempts;
    return post({
      url: `${server.url}/api/v1/public/projects/${project.slug}/auth/login`,
      agent: agents.logIn,
      headers: { "x-forwarded-for": `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}` },
      body: { email: `nobody-${n}@example.com`, password: "Wrong-Word-1" },
    });
  };
  return { read, logIn };
}

/** What log-ins do to those who only read. */
export const loginNeighbours: Scenario = {
  name: "login-neighbours",
  title: "Reads beside log-ins",
  needsWrk: false,
  async run(context) {
    const { plan, say } = context;
    const { read, logIn } = await prepare(context);
    await readFor(plan.warmUpSeconds, read);
    const measure = async (name: string): Promise<number> => {
      const samplesMs = await readFor(plan.roundSeconds, read);
      const p99Ms = percentile(samplesMs, 99);
      say(`${name}: p50 ${percentile(samplesMs, 50).toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`);
      return p99Ms;
    };
    const rounds = await sideBySide<number>(
      [
        {
          name: "beside log-ins",
          run: async () => {
            const logins = startLogins(logIn);
            await delay(SETTLE_MS);
            const p99Ms = await measure("beside log-ins");
            const statuses = await logins.stop();
            say(`log-ins: ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(", ")}`);
            return p99Ms;
          },
        },
        { name: "idle", run: () => measure("idle") },
      ],
      {
        rounds: plan.rounds,
        repeats: plan.repeats,
        maxDisturbance: MAX_DISTURBANCE,
        watch: watchForeignLoad,
        beforeRound: () => untilLeftAlone(MAX_DISTURBANCE, QUIET_TIMEOUT_MS),
      },
    );
    const of = (name: string) => rounds.flatMap(({ reports }) => reports.get(name) ?? []);
    const disturbances = rounds.map(({ disturbance }) => disturbance);
    return [
      compare({
        id: "login-neighbours/p99",
        title: `p99 of a cache read while ${LOGINS_PER_SECOND} log-ins a second come, against the same without`,
        unit: "ms",
        ours: series("beside log-ins", of("beside log-ins"), { disturbances }),
        baseline: series("idle", of("idle"), { disturbances }),
        target: { of: "ratio", is: "at most", limit: OF_IDLE },
      }),
    ];
  },
};
