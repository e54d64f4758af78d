import { join } from "node:path";
import { answerTo } from "../answer-to.ts";
import { startBaseline } from "../baselines/start-baseline.ts";
import { compare } from "../comparison.ts";
import { findFunctionSocket } from "../function-socket.ts";
import { loadSideBySide } from "../load-side-by-side.ts";
import { isWorkerd, processTree } from "../process-tree.ts";
import type { Scenario } from "../scenario.ts";
import { deployWorkload, requireLogged, startServerUnderTest } from "../server-under-test.ts";

const PATH = "/hello";
/** Share of the bare proxy's rate that is left after keys, limits, routing and the log. */
const OF_BARE_PROXY = 0.75;
const TIMES_MINIFLARE = 1.8;

/** (a) What a call of a private function through the gateway costs. */
export const functionCall: Scenario = {
  name: "function-call",
  title: "Calling a function through the gateway",
  needsWrk: true,
  async run(context) {
    const server = await startServerUnderTest(context);
    const workload = await deployWorkload(server);
    const ours = { url: `${workload.baseUrl}${PATH}`, headers: workload.headers };
    await answerTo(ours);
    const proxy = context.resources.use(
      await startBaseline("bare-proxy.ts", [await findFunctionSocket(server.dataDir)]),
    );
    const miniflare = context.resources.use(
      await startBaseline("miniflare.ts", [join(context.scratchDir, "miniflare")]),
    );
    const logging = context.resources.use(
      await startBaseline("miniflare.ts", [join(context.scratchDir, "miniflare-log"), "--log"]),
    );
    const ourProcesses = () => processTree(server.pid);
    const [gateway, bare, simulator, loggingSimulator] = await loadSideBySide(context, [
      { name: "gateway", target: ours, processes: ourProcesses },
      // The proxy gets, and passes on, the same headers.
      {
        name: "bare proxy",
        target: { url: `${proxy.url}${PATH}`, headers: workload.headers },
        processes: () => [...processTree(proxy.pid), ...ourProcesses().filter(isWorkerd)],
      },
      {
        name: "Miniflare",
        target: { url: `${miniflare.url}${PATH}`, headers: workload.headers },
        processes: () => processTree(miniflare.pid),
      },
      {
        name: "Miniflare, logging",
        target: { url: `${logging.url}${PATH}`, headers: workload.headers },
        processes: () => processTree(logging.pid),
      },
    ]);
    await requireLogged(workload);
    return [
      compare({
        id: "function-call/bare-proxy",
        title: "function call, against a bare proxy to the same workerd",
        unit: "requests/s",
        ours: gateway,
        baseline: bare,
        target: { of: "ratio", is: "at least", limit: OF_BARE_PROXY },
      }),
      compare({
        id: "function-call/miniflare",
        title: "function call, against Miniflare",
        unit: "requests/s",
        ours: gateway,
        baseline: simulator,
        target: { of: "ratio", is: "at least", limit: TIMES_MINIFLARE },
      }),
      compare({
        id: "function-call/miniflare-logging",
        title: "function call, against Miniflare that logs its requests too",
        unit: "requests/s",
        ours: gateway,
        baseline: loggingSimulator,
      }),
    ];
  },
};
