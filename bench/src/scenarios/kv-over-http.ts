import type { Redis as RedisClient } from "ioredis";
import { answerTo } from "../answer-to.ts";
import { startBaseline } from "../baselines/start-baseline.ts";
import { compare } from "../comparison.ts";
import { loadSideBySide } from "../load-side-by-side.ts";
import { writePostScript } from "../post-script.ts";
import { processTree } from "../process-tree.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { importAsServer } from "../server-package.ts";
import { deployWorkload, seedKeys, startServerUnderTest } from "../server-under-test.ts";

const PATH = "/v1/cache/get";
const REDIS_URL = "redis://127.0.0.1:6379";
const PREFIX = `aerostack-bench-${process.pid}:`;
const KEYS = 100;
/** Share of Redis behind a bare server that is left after the key, the limits, the log line and the way to another process. */
const OF_REDIS = 0.6;

/** The same values in Redis, gone with the scenario. */
async function seedRedis(context: ScenarioContext, values: ReadonlyMap<string, string>): Promise<void> {
  const { Redis } = await importAsServer<{ Redis: typeof RedisClient }>("ioredis");
  const redis = new Redis(REDIS_URL, { lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null });
  await redis.connect().catch((cause: unknown) => {
    throw new Error(`There is no Redis at ${REDIS_URL}: start one to compare with.`, { cause });
  });
  context.resources.defer(async () => {
    await redis.del([...values.keys()].map((key) => PREFIX + key));
    redis.disconnect();
  });
  await redis.mset(new Map([...values].map(([key, value]) => [PREFIX + key, value])));
}

/** Reading a key of the cache over HTTP with an API key. */
export const kvOverHttp: Scenario = {
  name: "kv-over-http",
  title: "The cache over HTTP",
  needsWrk: true,
  async run(context) {
    const server = await startServerUnderTest(context);
    const workload = await deployWorkload(server);
    await seedKeys(workload);
    const headers = { ...workload.headers, "content-type": "application/json" };
    const ask = (url: string, key: string) =>
      answerTo({ method: "POST", url: `${url}${PATH}`, headers, body: JSON.stringify({ key }) });
    const keys = Array.from({ length: KEYS }, (_, index) => `key-${index + 1}`);
    const values = new Map<string, string>();
    for (const key of keys) values.set(key, (JSON.parse(await ask(server.url, key)) as { value: string }).value);
    await seedRedis(context, values);
    const baseline = context.resources.use(await startBaseline("redis-http.ts", [REDIS_URL, PREFIX]));
    const [answer, expected] = [await ask(server.url, "key-7"), await ask(baseline.url, "key-7")];
    if (answer !== expected) throw new Error(`We answer '${answer}', the baseline '${expected}'.`);
    const scriptPath = await writePostScript(
      context.scratchDir,
      "kv",
      keys.map((key) => JSON.stringify({ key })),
    );
    const [ours, bare] = await loadSideBySide(context, [
      {
        name: "cache API",
        target: { url: `${server.url}${PATH}`, headers, scriptPath },
        processes: () => processTree(server.pid),
      },
      {
        name: "Redis behind a bare server",
        target: { url: `${baseline.url}${PATH}`, headers, scriptPath },
        processes: () => processTree(baseline.pid),
      },
    ]);
    return [
      compare({
        id: "kv-over-http/get",
        title: "cache get over HTTP with a key, against Redis behind a bare HTTP server",
        unit: "requests/s",
        ours,
        baseline: bare,
        target: { of: "ratio", is: "at least", limit: OF_REDIS },
      }),
    ];
  },
};
