import { join } from "node:path";
import { answerTo } from "../answer-to.ts";
import { startBaseline } from "../baselines/start-baseline.ts";
import { compare } from "../comparison.ts";
import { loadSideBySide } from "../load-side-by-side.ts";
import { writePostScript } from "../post-script.ts";
import { processTree } from "../process-tree.ts";
import type { Scenario } from "../scenario.ts";
import { deployWorkload, seedDatabase, startServerUnderTest } from "../server-under-test.ts";
import { ITEMS } from "../workload/seed-sql.ts";

const PATH = "/v1/db/query";
const SQL = "SELECT id, name, price FROM items WHERE id = ?";
/** Share of the in-process rate that is left after the key, the limits and the way to another process. */
const OF_IN_PROCESS = 0.4;

/** (c) Reading a row by SQL over HTTP with an API key. */
export const sqlOverHttp: Scenario = {
  name: "sql-over-http",
  title: "SQL over HTTP",
  needsWrk: true,
  async run(context) {
    const server = await startServerUnderTest(context);
    const workload = await deployWorkload(server);
    await seedDatabase(workload);
    const baseline = context.resources.use(
      await startBaseline("sqlite-http.ts", [join(context.scratchDir, "bare.sqlite")]),
    );
    const bodies = Array.from({ length: ITEMS }, (_, index) => JSON.stringify({ sql: SQL, params: [index + 1] }));
    const scriptPath = await writePostScript(context.scratchDir, "sql", bodies);

    const headers = { ...workload.headers, "content-type": "application/json" };
    const question = { method: "POST", headers, body: JSON.stringify({ sql: SQL, params: [7] }) } as const;
    const [answer, expected] = await Promise.all([
      answerTo({ ...question, url: `${server.url}${PATH}` }),
      answerTo({ ...question, url: `${baseline.url}${PATH}` }),
    ]);
    if (answer !== expected) throw new Error(`We answer '${answer}', the baseline '${expected}'.`);
    const [ours, bare] = await loadSideBySide(context, [
      {
        name: "SQL API",
        target: { url: `${server.url}${PATH}`, headers, scriptPath },
        processes: () => processTree(server.pid),
      },
      {
        name: "in-process SQLite",
        target: { url: `${baseline.url}${PATH}`, headers, scriptPath },
        processes: () => processTree(baseline.pid),
      },
    ]);
    return [
      compare({
        id: "sql-over-http/read",
        title: "SQL point read over HTTP with a key, against SQLite inside a bare HTTP server",
        unit: "requests/s",
        ours,
        baseline: bare,
        target: { of: "ratio", is: "at least", limit: OF_IN_PROCESS },
      }),
    ];
  },
};
