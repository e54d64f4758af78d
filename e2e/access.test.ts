import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { expectWithin } from "./harness/expect-within.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

const REVOCATION_LIMIT_MS = 1_000;

let server: ServerProcess;
let developer: Developer;
let stranger: Developer;
let project: Project;
let other: Project;
let key: { id: string; secret: string };
let otherKey: { id: string; secret: string };

const privateUrl = (path = "/environment"): string => developer.functionUrl(project, "shop", path);
const statusWith = async (headers: Record<string, string>, url = privateUrl()): Promise<number> =>
  (await fetch(url, { headers })).status;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  stranger = await createDeveloper(server);
  project = await developer.createProject("guarded");
  other = await developer.createProject("other of the same owner");
  key = await developer.createKey(project, "secret");
  otherKey = await developer.createKey(other, "secret");
  const worker = await fixtureWorker("shop");
  await developer.deploy(project, { name: "shop", worker, isPublic: false });
});
afterAll(async () => {
  await server?.dispose();
});

describe("a private function", () => {
  test("is refused without a key and with a wrong one, with a body that says what to do", async () => {
    const answer = await fetch(privateUrl());
    expect(answer.status).toBe(401);
    expect(JSON.stringify(await answer.json())).toContain("AUTH_INVALID_KEY");
    expect(await statusWith({ "x-api-key": "sk_made_up" })).toBe(401);
    expect(await statusWith({ "x-api-key": key.secret.slice(0, -1) })).toBe(401);
  });

  test("opens for its keys wherever clients put them, and never sees them", async () => {
    const places: Record<string, string>[] = [
      { "x-api-key": key.secret },
      { "x-aerostack-key": key.secret },
      { authorization: `Bearer ${key.secret}` },
    ];
    for (const headers of places) {
      const answer = await fetch(privateUrl(), { headers });
      const seen = await answer.text();
      expect([answer.status, seen.includes(key.secret)]).toEqual([200, false]);
    }
    const byQuery = await fetch(privateUrl(`/environment?a=1&apiKey=${encodeURIComponent(key.secret)}&b=2`));
    const seen = await byQuery.text();
    expect([byQuery.status, seen.includes(key.secret)]).toEqual([200, false]);
    expect((JSON.parse(seen) as { url: string }).url).toMatch(/\?a=1&b=2$/);
  });

  test("opens for the account's own key, not for other accounts or other projects", async () => {
    expect(await statusWith({ "x-api-key": developer.accountKey })).toBe(200);
    expect([401, 403, 404]).toContain(await statusWith({ "x-api-key": stranger.accountKey }));
    expect([401, 403, 404]).toContain(await statusWith({ "x-api-key": otherKey.secret }));
  });

  test("a revoked key stops within a second", async () => {
    const doomed = await developer.createKey(project);
    expect(await statusWith({ "x-api-key": doomed.secret })).toBe(200);
    await developer.call("DELETE", `/api/v1/projects/${project.id}/keys/${doomed.id}`);
    const revokedAt = performance.now();
    await pollUntil("the key to stop", async () => (await statusWith({ "x-api-key": doomed.secret })) === 401);
    expectWithin(performance.now() - revokedAt, REVOCATION_LIMIT_MS);
    expect(await statusWith({ "x-api-key": key.secret })).toBe(200);
  });

  test("an expired key stops at its time", async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const made = await developer.call<{ secret: string }>("POST", `/api/v1/projects/${project.id}/keys`, {
      name: "short-lived",
      kind: "secret",
      expiresAt,
    });
    expect(await statusWith({ "x-api-key": made.secret })).toBe(200);
    await pollUntil("the key to expire", async () => (await statusWith({ "x-api-key": made.secret })) === 401);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    expectWithin(Date.now() - Date.parse(expiresAt), REVOCATION_LIMIT_MS);
  });

  test("made public, it opens for everybody within a second, and closes again", async () => {
    const path = `/api/v1/projects/${project.id}/functions/shop`;
    await developer.call("PATCH", path, { isPublic: true });
    await pollUntil("the function to open", async () => (await statusWith({})) === 200, REVOCATION_LIMIT_MS);
    await developer.call("PATCH", path, { isPublic: false });
    await pollUntil("the function to close", async () => (await statusWith({})) === 401, REVOCATION_LIMIT_MS);
  });
});

describe("keys at the management API", () => {
  test("a key is shown once", async () => {
    const answer = await developer.call<{ keys: object[] }>("GET", `/api/v1/projects/${project.id}/keys`);
    expect(answer.keys.length).toBeGreaterThan(0);
    expect(JSON.stringify(answer)).not.toContain(key.secret);
  });

  test("another account's project is not there at all", async () => {
    const paths = ["", "/keys", "/functions", "/secrets", "/logs", "/kv/default/keys", "/queues", "/db/migrations"];
    for (const path of paths) {
      const theirs = await fetch(`${server.url}/api/v1/projects/${project.id}${path}`, {
        headers: { "x-api-key": stranger.accountKey },
      });
      const absent = await fetch(`${server.url}/api/v1/projects/prj_absent${path}`, {
        headers: { "x-api-key": stranger.accountKey },
      });
      const withoutId = (body: string): string =>
        body.replaceAll(/"requestId":"[^"]*"/g, "").replaceAll(/prj_\w+/g, "prj");
      expect([path, theirs.status, withoutId(await theirs.text())]).toEqual([
        path,
        404,
        withoutId(await absent.text()),
      ]);
    }
  });

  test("a project's secret key manages that project only, and no keys", async () => {
    const as = (path: string): Promise<number> =>
      statusWith({ "x-api-key": key.secret }, `${server.url}/api/v1${path}`);
    expect(await as(`/projects/${project.id}/functions`)).toBe(200);
    expect(await as(`/projects/${other.id}/functions`)).toBe(404);
    expect(await as(`/projects/${project.id}/keys`)).toBe(403);
    expect(await as("/account/keys")).toBe(403);
  });

  test("a public key opens private functions and manages nothing", async () => {
    const { secret } = await developer.createKey(project, "public");
    expect(await statusWith({ "x-api-key": secret })).toBe(200);
    const management = { "x-api-key": secret };
    expect(await statusWith(management, `${server.url}/api/v1/projects/${project.id}/functions`)).toBe(403);
    const query = await fetch(`${server.url}/api/v1/projects/${project.id}/db/query`, {
      method: "POST",
      headers: { ...management, "content-type": "application/json" },
      body: JSON.stringify({ sql: "SELECT 1" }),
    });
    expect(query.status).toBe(403);
  });

  test("a key tells what it is for", async () => {
    const validate = async (secret: string): Promise<unknown> =>
      await (
        await fetch(`${server.url}/api/v1/cli/validate`, { method: "POST", headers: { "x-api-key": secret } })
      ).json();
    expect(await validate(key.secret)).toMatchObject({ keyType: "project", projectId: project.id, slug: project.slug });
    expect(await validate(developer.accountKey)).toMatchObject({ keyType: "account", email: developer.email });
  });
});

test("addresses that lead nowhere answer 404 with a request id, whoever asks", async () => {
  const paths = [
    "/f/none/api/",
    `/f/${project.slug}/none/`,
    `/f/${project.slug}`,
    `/f/${project.slug}/`,
    "/f/",
    "/nowhere",
    "/api/v1/nowhere",
  ];
  for (const path of paths) {
    const answer = await fetch(`${server.url}${path}`, { headers: { "x-api-key": key.secret } });
    expect([path, answer.status, answer.headers.get("x-request-id")]).toEqual([path, 404, expect.any(String)]);
  }
  const byHost = await send(server.url, { headers: { host: `none.${project.slug}.localhost:${server.port}` } });
  expect(byHost.status).toBe(404);
});

test("calls are counted: the limit is told in headers, and over it is 429 with the time to wait", async () => {
  const limited = await startServer({ env: { AEROSTACK_LIMIT_CALLS_PER_MINUTE: "40" } });
  try {
    const dev = await createDeveloper(limited);
    const shop = await dev.createProject("limited");
    const { secret } = await dev.createKey(shop);
    await dev.deploy(shop, { name: "shop", worker: await fixtureWorker("shop"), isPublic: false });
    const call = () => fetch(dev.functionUrl(shop, "shop", "/environment"), { headers: { "x-api-key": secret } });
    const first = await call();
    expect(first.status).toBe(200);
    expect(first.headers.get("x-ratelimit-limit")).toBe("40");
    const remaining = Number(first.headers.get("x-ratelimit-remaining"));
    expect(remaining).toBeLessThan(40);
    const reset = Number(first.headers.get("x-ratelimit-reset")) - Date.now() / 1000;
    expect(reset).toBeGreaterThan(-1);
    expect(reset).toBeLessThanOrEqual(61);
    const answers = await Promise.all(Array.from({ length: 60 }, call));
    const refused = answers.filter((answer) => answer.status === 429);
    // The window may turn while the calls are under way: then up to another 40 pass.
    expect(answers.filter((answer) => answer.status === 200).length).toBeLessThanOrEqual(remaining + 40);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(refused[0]?.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(JSON.stringify(await refused[0]?.json())).toContain("RATE_LIMIT_EXCEEDED");
  } finally {
    await limited.dispose();
  }
});
