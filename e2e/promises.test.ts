import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createDeveloper } from "./harness/developer.ts";
import { createOperator } from "./harness/operator.ts";
import { type ServerProcess, startServer } from "./harness/server-process.ts";

// Promises of the privacy policy that no part of the product keeps by itself.

let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

/** Counts its calls in its database; `/log` writes what it is told. */
const WORKER = `
  export default {
    async fetch(request, env) {
      await env.DB.exec("CREATE TABLE IF NOT EXISTS calls (what TEXT)");
      const what = await request.text();
      if (what !== "") {
        await env.DB.prepare("INSERT INTO calls VALUES (?)").bind(what).run();
        await env.CACHE.put("cached", what);
        await env.STORAGE.put("object/" + what, what, { customMetadata: { what } });
        await env.QUEUE.send({ what }, { delaySeconds: 3600 });
        console.log("was told", what);
      }
      const { count } = await env.DB.prepare("SELECT count(*) AS count FROM calls").first();
      return Response.json({ count, secret: env.PAYMENT_TOKEN });
    },
  };
`;

test("P10 a call is authenticated, routed and counted against its limit, and the function's result is delivered; what is refused does not run", async () => {
  server = await startServer({ env: { AEROSTACK_LIMIT_CALLS_PER_MINUTE: "4" } });
  const developer = await createDeveloper(server);
  const project = await developer.createProject();
  await developer.setSecret(project, "PAYMENT_TOKEN", "tok_1");
  await developer.deploy(project, { name: "count", worker: WORKER, isPublic: false });
  const { secret } = await developer.createKey(project);
  const other = await createDeveloper(server);
  const foreign = await other.createKey(await other.createProject("other"));
  const call = (headers: Record<string, string>, path = "/") =>
    fetch(developer.functionUrl(project, "count", path), { method: "POST", body: "one", headers });

  expect((await call({})).status).toBe(401);
  expect((await call({ "x-api-key": foreign.secret })).status).toBeGreaterThanOrEqual(401);
  const answer = await call({ "x-api-key": secret });
  expect([answer.status, await answer.json()]).toEqual([200, { count: 1, secret: "tok_1" }]);
  expect((await fetch(developer.functionUrl(project, "nothing"), { headers: { "x-api-key": secret } })).status).toBe(
    404,
  );
  const statuses: number[] = [];
  for (let n = 0; n < 8; n++) statuses.push((await call({ "x-api-key": secret })).status);
  const answered = statuses.filter((status) => status === 200).length;
  expect(statuses.filter((status) => status === 429)).toHaveLength(statuses.length - answered);
  expect(answered).toBeGreaterThan(0);
  expect(answered).toBeLessThanOrEqual(4);
  const rows = await developer.call<{ results: readonly { readonly count: number }[] }>(
    "POST",
    `/api/v1/projects/${project.id}/db/query`,
    { sql: "SELECT count(*) AS count FROM calls" },
  );
  expect(rows.results[0]?.count).toBe(1 + answered);
});

test("P13 what is counted of the installation is of projects and kinds of calls, and names no person", async () => {
  server = await startServer();
  const operator = await createOperator(server);
  const metrics = async () => await (await operator.open("GET", "/metrics")).text();
  await metrics();
  const developer = await createDeveloper(server);
  const { id } = await developer.call<{ id: string }>("GET", "/api/auth/me");
  const project = await developer.createProject();
  await developer.deploy(project, { name: "count", worker: WORKER, isPublic: true });
  const user = { email: "visitor@example.com", password: "Correct-Horse-7", name: "Vera Visitor" };
  const registered = await fetch(`${server.url}/api/v1/public/projects/${project.id}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "VerasBrowser/7" },
    body: JSON.stringify(user),
  });
  expect(registered.status).toBe(201);
  const { user: made } = (await registered.json()) as { user: { id: string } };
  await fetch(`${developer.functionUrl(project, "count")}?who=${user.email}`, { method: "POST", body: "one" });
  const counted = await metrics();
  expect(counted).toMatch(/^aerostack_[a-z_]+(\{[^}]*\})? [1-9]/m);
  const usage = JSON.stringify(await developer.call("GET", `/api/v1/projects/${project.id}/realtime/usage`));
  for (const trace of [id, developer.email, made.id, user.email, "Vera", "VerasBrowser", "127.0.0.1", "?who="]) {
    expect([trace, counted.includes(trace), usage.includes(trace)]).toEqual([trace, false, false]);
  }
});

test("P29 nothing that people put in can be read from the disk, after a power cut neither", async () => {
  server = await startServer();
  const developer = await createDeveloper(server);
  const project = await developer.createProject("recognisable project");
  await developer.setSecret(project, "PAYMENT_TOKEN", "recognisable-secret");
  const worker = `${WORKER}\n// recognisable-source`;
  await developer.deploy(project, {
    name: "count",
    worker,
    isPublic: true,
    assets: { "page.html": "<p>recognisable-asset</p>" },
    config: { vars: { GREETING: "recognisable-variable" } },
  });
  const { secret } = await developer.createKey(project);
  const told = await fetch(developer.functionUrl(project, "count"), { method: "POST", body: "recognisable-word" });
  expect(await told.json()).toMatchObject({ count: 1 });
  const json = { "content-type": "application/json", "x-aerostack-key": secret };
  const kept = { topic: "room/recognisable-room", event: "said", data: "recognisable-message", persist: true };
  const calls: [path: string, init: RequestInit][] = [
    ["/v1/realtime/publish", { method: "POST", headers: json, body: JSON.stringify(kept) }],
    [
      `/api/v1/public/projects/${project.id}/auth/register`,
      {
        method: "POST",
        headers: json,
        body: JSON.stringify({
          email: "recognisable-user@example.com",
          password: "Correct-Horse-7",
          name: "recognisable-name",
        }),
      },
    ],
  ];
  for (const [path, init] of calls) expect((await fetch(`${server.url}${path}`, init)).ok).toBe(true);
  const { logs } = await developer.call<{ logs: readonly { readonly message: string }[] }>(
    "GET",
    `/api/v1/projects/${project.id}/logs`,
  );
  expect(JSON.stringify(logs)).toContain("recognisable-word");

  const { dataDir } = server;
  await server.kill();
  const traces = ["recognisable", developer.email, developer.password, secret, developer.accountKey, "Correct-Horse"];
  let looked = 0;
  for (const name of await readdir(dataDir, { recursive: true })) {
    const path = join(dataDir, name);
    if (!(await stat(path)).isFile()) continue;
    looked++;
    const bytes = await readFile(path);
    for (const trace of traces) {
      for (const form of [
        trace,
        Buffer.from(trace).toString("base64").slice(0, -4),
        Buffer.from(trace).toString("hex"),
      ]) {
        expect([name, form, bytes.includes(form)]).toEqual([name, form, false]);
      }
      expect([name, trace, name.includes(trace)]).toEqual([name, trace, false]);
    }
  }
  expect(looked).toBeGreaterThan(5);
});
