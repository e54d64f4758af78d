import { join } from "node:path";
import { answerTo } from "../answer-to.ts";
import { startBaseline } from "../baselines/start-baseline.ts";
import { type Comparison, compare } from "../comparison.ts";
import { loadSideBySide } from "../load-side-by-side.ts";
import type { Scenario } from "../scenario.ts";
import { deployWorkload, seedWorkload, startServerUnderTest } from "../server-under-test.ts";

const TIMES_MINIFLARE = 2;
const OPERATIONS = [
  { path: "/kv-read", title: "KV read from a function" },
  { path: "/d1-read", title: "D1 point read from a function" },
  { path: "/d1-write", title: "D1 single-row insert from a function" },
] as const;

/** (b) What a function's bindings do, the way through the gateway included. */
export const bindings: Scenario = {
  name: "bindings",
  title: "Bindings used by a function",
  needsWrk: true,
  async run(context) {
    await using server = await startServerUnderTest(context);
    const workload = await deployWorkload(server);
    await using miniflare = await startBaseline("miniflare.ts", [join(context.scratchDir, "miniflare")]);
    await seedWorkload(workload);
    await seedWorkload({ baseUrl: miniflare.url });

    const comparisons: Comparison[] = [];
    for (const { path, title } of OPERATIONS) {
      const ours = { url: `${workload.baseUrl}${path}`, headers: workload.headers };
      const theirs = { url: `${miniflare.url}${path}` };
      const [answer, expected] = await Promise.all([
        answerTo({ ...ours, url: `${ours.url}?id=7` }),
        answerTo({ ...theirs, url: `${theirs.url}?id=7` }),
      ]);
      if (answer !== expected) throw new Error(`${path}: we answer '${answer}', Miniflare '${expected}'.`);
      const [platform, simulator] = await loadSideBySide(context, [
        { name: `gateway ${path}`, target: ours },
        { name: `Miniflare ${path}`, target: theirs },
      ]);
      comparisons.push(
        compare({
          id: `bindings${path}`,
          title: `${title}, against Miniflare`,
          unit: "requests/s",
          ours: platform,
          baseline: simulator,
          target: { of: "ratio", is: "at least", limit: TIMES_MINIFLARE },
        }),
      );
    }
    return comparisons;
  },
};
