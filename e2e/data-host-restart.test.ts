import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { expectWithin } from "./harness/expect-within.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { descendantsOf, isDataHost } from "./harness/process-tree.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// kill -9 of the data host while functions use every kind of binding and SQL comes over HTTP.

const WORKER = `
  const uses = {
    "d1-read": ({ DB }) => DB.prepare("SELECT count(*) AS count FROM marks").first(),
    "d1-batch": ({ DB }) => DB.batch([DB.prepare("SELECT 1"), DB.prepare("SELECT 2")]),
    "kv-get": ({ CACHE }) => CACHE.get("kept"),
    "kv-list": ({ CACHE }) => CACHE.list(),
    "r2-get": async ({ STORAGE }) => (await STORAGE.get("kept")).text(),
    "r2-list": ({ STORAGE }) => STORAGE.list(),
    "d1-write": ({ DB }, id) => DB.prepare("INSERT INTO marks (id) VALUES (?)").bind(id).run(),
    "kv-put": ({ CACHE }, id) => CACHE.put(id, "x"),
    "r2-put": ({ STORAGE }, id) => STORAGE.put(id, "x".repeat(20_000)),
    "queue-send": ({ QUEUE }, id) => QUEUE.send({ id }),
  };
  export default {
    async fetch(request, env) {
      const [, use, id] = new URL(request.url).pathname.split("/");
      await uses[use](env, id);
      return new Response("done");
    },
  };`;
const READS = ["d1-read", "d1-batch", "kv-get", "kv-list", "r2-get", "r2-list"];
const WRITES = ["d1-write", "kv-put", "r2-put", "queue-send"];
const ROUNDS = 3;
/** Of each kind in a round. */
const CALLS = 6;
/** On a good machine. An answer that waits for something to time out would be later. */
const MAX_ANSWER_MS = 1900;

interface Answer {
  readonly use: string;
  readonly id: string;
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
  readonly ms: number;
}

let server: ServerProcess;
let developer: Developer;
let project: Project;
/** Of all rounds so far: what a test that is tried again writes is its own. */
let rounds = 0;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("shop");
  await developer.deploy(project, { name: "api", worker: WORKER, isPublic: true });
  await sql("CREATE TABLE marks (id TEXT PRIMARY KEY)");
  for (const use of ["kv-put", "r2-put"]) expect((await callFunction("POST", use, "kept")).status).toBe(200);
});
afterAll(async () => {
  await server?.dispose();
});

/** It may still be starting after the kill before. */
async function killDataHost(): Promise<void> {
  await pollUntil("a data host to kill", async () => {
    const host = (await descendantsOf(server.pid)).find(isDataHost);
    return host !== undefined && process.kill(host.pid, "SIGKILL");
  });
}

async function timed(use: string, id: string, request: () => Promise<Response>): Promise<Answer> {
  const startedAt = performance.now();
  const answer = await request();
  const { status, headers } = answer;
  const text = await answer.text();
  return { use, id, status, text, retryAfter: headers.get("retry-after"), ms: performance.now() - startedAt };
}

function callFunction(method: "GET" | "POST", use: string, id: string): Promise<Answer> {
  return timed(use, id, () => fetch(developer.functionUrl(project, "api", `/${use}/${id}`), { method }));
}

async function sql(text: string, params: readonly unknown[] = []): Promise<Response> {
  return await fetch(`${server.url}/api/v1/projects/${project.id}/db/query`, {
    method: "POST",
    headers: { "x-api-key": developer.accountKey, "content-type": "application/json" },
    body: JSON.stringify({ sql: text, params }),
  });
}

/** Calls of every kind, the data host killed as soon as the first of them is answered. */
async function round(): Promise<Answer[]> {
  const number = ++rounds;
  const calls = Array.from({ length: CALLS }, (_, index) => {
    const id = `${number}-${index}`;
    return [
      ...READS.map((use) => callFunction("GET", use, id)),
      ...WRITES.map((use) => callFunction("POST", use, id)),
      timed("sql-read", id, () => sql("SELECT count(*) FROM marks")),
      timed("sql-write", id, () => sql("INSERT INTO marks (id) VALUES (?)", [`sql-${id}`])),
    ];
  }).flat();
  await Promise.race(calls);
  await killDataHost();
  return await Promise.all(calls);
}

describe("while the data host is killed", () => {
  test("reads and SQL over HTTP go on unseen, a function's writes are told at once to try again, and nothing acknowledged is lost", async () => {
    const answers: Answer[] = [];
    for (let done = 0; done < ROUNDS; done++) answers.push(...(await round()));

    for (const { use, status, text, retryAfter } of answers) {
      if (status === 200 || !WRITES.includes(use)) expect([use, status, text]).toEqual([use, 200, expect.any(String)]);
      else {
        expect([use, status, retryAfter]).toEqual([use, 503, "1"]);
        expect(JSON.parse(text)).toMatchObject({ error: { code: "FUNCTION_DISCONNECTED" } });
      }
    }
    const slowest = (which: readonly Answer[]): number => Math.max(...which.map(({ ms }) => ms));
    expectWithin(slowest(answers), MAX_ANSWER_MS);
    // Otherwise nothing was in flight, and the test has shown nothing.
    expect(answers.filter(({ status }) => status === 503).length).toBeGreaterThan(0);

    const { rows } = (await (await sql("SELECT id FROM marks")).json()) as { rows: string[][] };
    const stored = new Set(rows.flat());
    const acknowledged = answers.filter(({ status }) => status === 200);
    const expected = acknowledged.flatMap(({ use, id }) => {
      if (use === "sql-write") return [`sql-${id}`];
      return use === "d1-write" ? [id] : [];
    });
    expect(expected.filter((id) => !stored.has(id))).toEqual([]);
  });
});
