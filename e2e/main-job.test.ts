import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Deployed, type Developer, type Project, RequestFailed } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer } from "./harness/server-process.ts";

const run = promisify(execFile);
const JSON_BODY = { "content-type": "application/json" };

let server: ServerProcess;

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { ...JSON_BODY, ...headers },
    body: JSON.stringify(body),
  });
}

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.dispose();
});

describe("the first minutes of a stranger", () => {
  let setUp: { token: string; project: Project; publicKey: string; secretKey: string; curl: string };

  test("the printed link opens a set-up page that asks nothing of the network", async () => {
    const token = server.setupToken();
    expect(token).toMatch(/^[\w-]{20,}$/);
    const page = await fetch(`${server.url}/setup`);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).toContain("<form");
    expect([...html.matchAll(/(?:src|href)="(https?:)?\/\/[^"]+"/g)]).toEqual([]);
  });

  test("the token makes the first account, project and keys, and the curl it shows works as printed", async () => {
    const answer = await post("/api/auth/setup", {
      token: server.setupToken(),
      email: "first@example.com",
      password: "Correct-Horse-7",
      name: "First",
      ageConfirmed: true,
    });
    setUp = (await answer.json()) as typeof setUp;
    expect(answer.status).toBe(201);
    expect(setUp.project.slug).toMatch(/^[a-z0-9-]+$/);
    const { stdout } = await run("sh", ["-c", setUp.curl]);
    expect(stdout.length).toBeGreaterThan(0);
    expect(stdout).not.toContain('"error"');
  });

  test("the token works once", async () => {
    const again = await post("/api/auth/setup", {
      token: server.setupToken(),
      email: "second@example.com",
      password: "Correct-Horse-7",
      ageConfirmed: true,
    });
    expect([again.status, await again.json()]).toEqual([
      403,
      expect.objectContaining({ code: "AUTH_SETUP_TOKEN_INVALID" }),
    ]);
  });

  test("registers, logs in, refreshes, asks who it is, and logs out", async () => {
    const account = { email: "Ada@Example.com", password: "Correct-Horse-7" };
    const registered = await post("/api/auth/register", { ...account, name: "Ada", ageConfirmed: true });
    expect(registered.status).toBe(201);
    const twice = await post("/api/auth/register", { ...account, ageConfirmed: true });
    expect([twice.status, await twice.json()]).toEqual([409, expect.objectContaining({ code: "AUTH_USER_EXISTS" })]);
    const weak = await post("/api/auth/register", { email: "weak@example.com", password: "short", ageConfirmed: true });
    expect([weak.status, await weak.json()]).toEqual([400, expect.objectContaining({ code: "AUTH_PASSWORD_WEAK" })]);
    const wrong = await post("/api/auth/login", { ...account, password: "Wrong-Horse-7" });
    expect(wrong.status).toBe(401);
    const login = await post("/api/auth/login", account);
    const session = (await login.json()) as { token: string; refreshToken: string; user: { email: string } };
    expect([login.status, session.user.email]).toEqual([200, "ada@example.com"]);
    const refreshed = await post("/api/auth/refresh", { refreshToken: session.refreshToken });
    expect(refreshed.status).toBe(200);
    const { token } = (await refreshed.json()) as { token: string };
    const me = await fetch(`${server.url}/api/auth/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(await me.json()).toMatchObject({ user: { email: "ada@example.com", name: "Ada" } });
    // A refresh token that is used a second time was stolen: the whole session ends.
    expect((await post("/api/auth/refresh", { refreshToken: session.refreshToken })).status).toBe(401);
    const after = await fetch(`${server.url}/api/auth/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(after.status).toBe(401);
  });
});

describe("an unmodified Worker", () => {
  let developer: Developer;
  let project: Project;
  let deployed: Deployed;
  let shop: (path: string, init?: RequestInit) => Promise<Response>;

  beforeAll(async () => {
    developer = await createDeveloper(server);
    project = await developer.createProject("Corner Shop");
    await developer.setSecret(project, "PAYMENT_TOKEN", "tok_ü_'\"\n");
    await developer.deploy(project, { name: "prices", worker: await fixtureWorker("prices"), isPublic: false });
    deployed = await developer.deploy(project, {
      name: "shop",
      worker: await fixtureWorker("shop"),
      isPublic: true,
      config: {
        vars: { GREETING: "hello", SETTINGS: { nested: [1, "two", null] } },
        services: [
          { binding: "PRICES", service: "prices" },
          { binding: "PRICE_LIST", service: "prices", entrypoint: "PriceList" },
        ],
        durableObjects: [{ binding: "COUNTER", className: "Counter" }],
        crons: ["*/5 * * * *"],
      },
    });
    shop = (path, init) => fetch(developer.functionUrl(project, "shop", path), init);
  });

  test("is told where it answers, and answers there", async () => {
    expect(deployed).toMatchObject({
      success: true,
      scriptName: "shop",
      env: "production",
      isPublic: true,
      project: { id: project.id, slug: project.slug },
      version: { number: 1 },
    });
    expect((await fetch(`${deployed.url}/environment`)).status).toBe(200);
  });

  test("is called by path, by host and as a custom endpoint", async () => {
    const { secret } = await developer.createKey(project, "public");
    const byPath = await shop("/environment?a=1&b=%2F");
    expect(await byPath.json()).toMatchObject({ url: expect.stringMatching(/\/environment\?a=1&b=%2F$/) });
    const byHost = await send(`${server.url}/environment?a=1`, {
      headers: { host: `shop.${project.slug}.localhost:${server.port}` },
    });
    expect([byHost.status, JSON.parse(byHost.body)]).toEqual([200, expect.objectContaining({ greeting: "hello" })]);
    for (const prefix of ["/v1/custom", "/api/v1/custom"]) {
      const custom = await fetch(`${server.url}${prefix}/shop/environment`, { headers: { "x-aerostack-key": secret } });
      expect([custom.status, await custom.json()]).toEqual([200, expect.objectContaining({ greeting: "hello" })]);
    }
  });

  test("writes and reads its database, cache, bucket and queue", async () => {
    const made = await shop("/orders", { method: "POST", body: JSON.stringify({ item: "lamp", quantity: 2 }) });
    expect([made.status, await made.json()]).toEqual([201, { id: 1, item: "lamp", quantity: 2, shipped: 0 }]);
    const order = await pollUntil("the queue's consumer", async () => {
      const body = (await (await shop("/order?id=1")).json()) as { row: { shipped: number } };
      return body.row.shipped > 0 ? body : undefined;
    });
    expect(order).toEqual({
      row: { id: 1, item: "lamp", quantity: 2, shipped: 1 },
      cached: expect.objectContaining({
        value: { id: 1, item: "lamp", quantity: 2, shipped: 0 },
        metadata: { item: "lamp" },
      }),
      receipt: "2 x lamp\n",
    });
  });

  test("what it stored is there through the management API", async () => {
    const base = `/api/v1/projects/${project.slug}`;
    const query = { sql: "SELECT item, quantity FROM orders WHERE id = ?", params: [1] };
    expect(await developer.call("POST", `${base}/db/query`, query)).toMatchObject({
      columns: ["item", "quantity"],
      rows: [["lamp", 2]],
      results: [{ item: "lamp", quantity: 2 }],
    });
    expect(await developer.call("GET", `${base}/kv/default/keys?prefix=order:`)).toMatchObject({
      keys: [{ name: "order:1" }],
      nextCursor: null,
    });
    expect(await developer.call("GET", `${base}/storage/default/objects?prefix=receipts/`)).toMatchObject({
      objects: [{ key: "receipts/1.txt", sizeBytes: 9 }],
    });
    const receipt = await fetch(`${server.url}${base}/storage/default/objects/receipts/1.txt`, {
      headers: { "x-api-key": developer.accountKey },
    });
    expect([receipt.headers.get("content-type"), await receipt.text()]).toEqual(["text/plain", "2 x lamp\n"]);
    expect(await developer.call("GET", `${base}/queues`)).toMatchObject({
      queues: [{ name: "default", backlog: 0, consumer: "shop" }],
    });
  });

  test("reads variables, secrets and what the platform says of itself", async () => {
    const seen = (await (await shop("/environment")).json()) as {
      headers: Record<string, string>;
      apiKeyLength: number;
    };
    expect(seen).toMatchObject({
      greeting: "hello",
      settings: { nested: [1, "two", null] },
      secret: "tok_ü_'\"\n",
      projectId: project.id,
      apiUrl: server.url,
    });
    expect(seen.apiKeyLength).toBeGreaterThan(20);
    expect(seen.headers).toMatchObject({
      "x-as-project-id": project.id,
      "x-as-platform-url": server.url,
      "x-as-dispatch-token": expect.stringMatching(/.{20,}/),
      "x-request-id": expect.any(String),
      "cf-connecting-ip": "127.0.0.1",
    });
  });

  test("calls another function of its project by fetch and by name", async () => {
    expect(await (await shop("/price")).json()).toEqual({ status: 200, fetched: { price: 12.5 }, called: 12.5 });
  });

  test("runs a cron when asked, with its expression and time", async () => {
    await developer.call("POST", `/api/v1/projects/${project.id}/functions/shop/crons/run`, { cron: "*/5 * * * *" });
    expect(await (await shop("/last-cron")).json()).toEqual({
      cron: "*/5 * * * *",
      scheduledTime: expect.any(Number),
    });
    expect(await developer.call("GET", `/api/v1/projects/${project.id}/crons`)).toMatchObject({
      crons: [{ function: "shop", env: "production", cron: "*/5 * * * *", nextRunAt: expect.any(String) }],
    });
  });

  test("keeps what a Durable Object stored when a new version takes over", async () => {
    expect(await (await shop("/hit?name=kept")).json()).toEqual({ hits: 1 });
    await developer.deploy(project, {
      name: "shop",
      worker: await fixtureWorker("shop"),
      config: { durableObjects: [{ binding: "COUNTER", className: "Counter" }] },
    });
    expect(await (await shop("/hit?name=kept")).json()).toEqual({ hits: 2 });
    expect(await (await shop("/hit?name=other")).json()).toEqual({ hits: 1 });
  });

  test("keeps everything over a restart of the server", async () => {
    const { dataDir, port } = server;
    expect(await server.stop()).toBe(0);
    server = await startServer({ dataDir, port });
    expect(await (await shop("/hit?name=kept")).json()).toEqual({ hits: 3 });
    expect(await (await shop("/order?id=1")).json()).toMatchObject({
      row: { id: 1, item: "lamp", shipped: 1 },
      cached: { value: { id: 1 } },
      receipt: "2 x lamp\n",
    });
    expect(server.setupToken()).toBeNull();
  });

  test("is gone, with all that it stored, once its project is deleted", async () => {
    await expect(developer.call("DELETE", `/api/v1/projects/${project.id}`)).rejects.toBeInstanceOf(RequestFailed);
    expect((await shop("/environment")).status).toBe(200);
    await developer.call("DELETE", `/api/v1/projects/${project.id}?confirm=${project.slug}`);
    expect((await shop("/environment")).status).toBe(404);
    await expect(developer.call("GET", `/api/v1/projects/${project.id}`)).rejects.toMatchObject({ status: 404 });
  });
});
