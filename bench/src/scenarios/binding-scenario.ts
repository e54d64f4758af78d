import { join } from "node:path";
import { answerTo } from "../answer-to.ts";
import { startBaseline } from "../baselines/start-baseline.ts";
import { compare } from "../comparison.ts";
import { loadSideBySide } from "../load-side-by-side.ts";
import { processTree } from "../process-tree.ts";
import type { Scenario } from "../scenario.ts";
import { deployWorkload, seedDatabase, seedKeys, startServerUnderTest } from "../server-under-test.ts";

const TIMES_MINIFLARE = 2;
/** A row or key that exists: both sides must answer the same before either is measured. */
const SAMPLE = "?id=7";

/**
 * (b) One operation of a function on a binding, the way through the gateway included, against the same Worker in
 * Miniflare.
 *
 * @param name of the scenario, and the path of the workload that does it
 */
export function createBindingScenario(name: string, title: string): Scenario {
  return {
    name,
    title,
    needsWrk: true,
    async run(context) {
      const server = await startServerUnderTest(context);
      const workload = await deployWorkload(server);
      const miniflare = context.resources.use(
        await startBaseline("miniflare.ts", [join(context.scratchDir, "miniflare")]),
      );
      const ours = { url: `${workload.baseUrl}/${name}`, headers: workload.headers };
      const theirs = { url: `${miniflare.url}/${name}` };
      for (const target of [workload, { baseUrl: miniflare.url }]) {
        await (name.startsWith("kv") ? seedKeys(target) : seedDatabase(target));
      }
      const [answer, expected] = await Promise.all(
        [ours, theirs].map((target) => answerTo({ ...target, url: `${target.url}${SAMPLE}` })),
      );
      if (answer !== expected) throw new Error(`We answer '${answer}', Miniflare '${expected}'.`);
      const [platform, simulator] = await loadSideBySide(context, [
        { name: "gateway", target: ours, processes: () => processTree(server.pid) },
        { name: "Miniflare", target: theirs, processes: () => processTree(miniflare.pid) },
      ]);
      return [
        compare({
          id: `bindings/${name}`,
          title: `${title}, against Miniflare`,
          unit: "requests/s",
          ours: platform,
          baseline: simulator,
          target: { of: "ratio", is: "at least", limit: TIMES_MINIFLARE },
        }),
      ];
    },
  };
}
