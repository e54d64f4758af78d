import { Agent } from "node:http";
import { join } from "node:path";
import { createDeveloper } from "../../../e2e/harness/developer.ts";
import { answerTo } from "../answer-to.ts";
import { timeBareWorkerd } from "../baselines/bare-workerd.ts";
import { type Comparison, compare, series } from "../comparison.ts";
import { MAX_DISTURBANCE, QUIET_TIMEOUT_MS, untilLeftAlone } from "../foreign-load.ts";
import { isWorkerd, processTree } from "../process-tree.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { FUNCTION_NAME, startServerUnderTest } from "../server-under-test.ts";
import { type Contestant, type Round, sideBySide } from "../side-by-side.ts";
import { percentile } from "../statistics.ts";
import { waitUntil } from "../wait-until.ts";
import { COMPATIBILITY_DATE, WORKER_SOURCE } from "../workload/worker-source.ts";

const TIMES_BARE = 2;
/** Long enough that no process stops while the others are started, short enough to wait for. */
const IDLE_MS = 8000;
/** So many starts at a time, then the machine is looked at again. */
const BATCH = 8;
const ALL_STOPPED_TIMEOUT_MS = 60_000;

/** (d) From a call whose function's process does not run to its answer. */
export const coldStart: Scenario = {
  name: "cold-start",
  title: "Cold start of a function",
  needsWrk: false,
  async run(context) {
    const server = await startServerUnderTest(context, { AEROSTACK_FUNCTION_IDLE_MS: String(IDLE_MS) });
    const urls = await deployProjects(server, context.plan.coldStarts);
    const allStopped = () =>
      waitUntil(
        "the functions' processes stop",
        () => !processTree(server.pid).some(isWorkerd),
        ALL_STOPPED_TIMEOUT_MS,
      );

    const comparisons: Comparison[] = [];
    for (const occasion of ["after deployment", "after an idle stop"] as const) {
      await allStopped();
      comparisons.push(await timeStarts(context, occasion, urls));
    }
    return comparisons;
  },
};

/** Deploys one function to each of `count` projects. @returns where they answer */
async function deployProjects(server: { readonly url: string }, count: number): Promise<readonly string[]> {
  const developer = await createDeveloper(server);
  const urls: string[] = [];
  for (let index = 0; index < count; index++) {
    const project = await developer.createProject(`cold ${index}`);
    await developer.deploy(project, {
      name: FUNCTION_NAME,
      worker: WORKER_SOURCE,
      compatibilityDate: COMPATIBILITY_DATE,
      isPublic: true,
    });
    urls.push(`${server.url}/f/${project.slug}/${FUNCTION_NAME}/hello`);
  }
  return urls;
}

async function timeStarts(context: ScenarioContext, occasion: string, urls: readonly string[]): Promise<Comparison> {
  const directory = join(context.scratchDir, "bare-workerd");
  // Both are in the page cache before the first is timed, and the connection to the server is open.
  await timeBareWorkerd(directory);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const [first = ""] = urls;
    await answerTo({ url: new URL("/healthz", first).href, agent });
    const contestants: readonly Contestant<number>[] = [
      {
        name: "ours",
        run: async () => {
          const url = pending.shift() ?? first;
          const startedAt = performance.now();
          await answerTo({ url, agent });
          return performance.now() - startedAt;
        },
      },
      { name: "bare", run: () => timeBareWorkerd(directory) },
    ];
    const pending = [...urls];
    const rounds: Round<number>[] = [];
    while (pending.length > 0) {
      await untilLeftAlone(MAX_DISTURBANCE, QUIET_TIMEOUT_MS);
      // A start is too short to see who disturbed it, and none can be repeated: there are many instead.
      const options = { rounds: Math.min(BATCH, pending.length), repeats: 0, maxDisturbance: 1, watch: () => () => 0 };
      rounds.push(...(await sideBySide(contestants, options)));
    }
    const ours = rounds.flatMap(({ reports }) => reports.get("ours") ?? []);
    const bare = rounds.flatMap(({ reports }) => reports.get("bare") ?? []);
    context.say(`${occasion}: p90 ${percentile(ours, 90).toFixed(1)} ms, bare ${percentile(bare, 90).toFixed(1)} ms`);
    return compare({
      id: `cold-start/${occasion.replaceAll(" ", "-")}`,
      title: `cold start ${occasion}, p50, against a bare workerd`,
      unit: "ms",
      ours: series("first call", ours),
      baseline: series("bare workerd", bare),
      target: { of: "ratio", is: "at most", limit: TIMES_BARE },
      details: { oursP90Ms: percentile(ours, 90), bareP90Ms: percentile(bare, 90) },
    });
  } finally {
    agent.destroy();
  }
}
