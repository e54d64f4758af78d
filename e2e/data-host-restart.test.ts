import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { descendantsOf, isDataHost } from "./harness/process-tree.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

const WORKER = `export default {
  async fetch(request, env) {
    if (request.method === "POST") {
      await env.DB.prepare("INSERT INTO marks (id) VALUES (?)").bind(await request.text()).run();
      return new Response("written");
    }
    const { count } = await env.DB.prepare("SELECT count(*) AS count FROM marks").first();
    return Response.json({ count, cached: await env.CACHE.get("nothing") });
  },
};`;
const ROUNDS = 3;
const CALLS = 40;
/** An answer that waits for something to time out would be later. */
const MAX_ANSWER_MS = 1900;

let server: ServerProcess;
let developer: Developer;
let project: Project;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("shop");
  await developer.deploy(project, { name: "api", worker: WORKER, isPublic: true });
  await developer.call("POST", `/api/v1/projects/${project.id}/db/query`, {
    sql: "CREATE TABLE marks (id TEXT PRIMARY KEY)",
  });
  await fetch(developer.functionUrl(project, "api"));
});
afterAll(async () => {
  await server?.dispose();
});

async function killDataHost(): Promise<void> {
  const host = (await descendantsOf(server.pid)).find(isDataHost);
  if (host === undefined) throw new Error("there is no data host");
  process.kill(host.pid, "SIGKILL");
}

async function timed(method: "GET" | "POST", body?: string) {
  const startedAt = performance.now();
  const answer = await fetch(developer.functionUrl(project, "api"), {
    method,
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text(), ms: performance.now() - startedAt, mark: body };
}

describe("calls of functions while the data host is killed", () => {
  test("read on unseen, or are told at once to try again; none is said to have crashed, and no written row is lost", async () => {
    const written: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const calls = Array.from({ length: CALLS }, (_, index) =>
        index % 2 === 0 ? timed("GET") : timed("POST", `mark-${round}-${index}`),
      );
      await Promise.race(calls);
      await killDataHost();
      const answers = await Promise.all(calls);
      for (const { status, text, mark } of answers) {
        if (status === 200 && mark !== undefined) written.push(mark);
        if (mark === undefined) expect([status, text]).toEqual([200, expect.stringContaining("count")]);
        else if (status !== 200)
          expect([status, text]).toEqual([503, expect.stringContaining("FUNCTION_DISCONNECTED")]);
      }
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(MAX_ANSWER_MS);
    }
    const { count } = JSON.parse((await timed("GET")).text) as { count: number };
    expect(count).toBeGreaterThanOrEqual(written.length);
  });
});
