import { afterEach, describe, expect, it } from "vitest";
import { metricsRoutes } from "../edge/metrics-routes.ts";
import { createMetrics } from "../kernel/metrics.ts";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { openControlSqlite } from "../testing-database.ts";

describe("set-up", () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });
  const account = { email: "admin@example.com", password: TEST_PASSWORD, ageConfirmed: true };

  async function start(options = {}) {
    const test = await createTestApp(await openControlSqlite(cleanups), options);
    const token = await test.controlPlane.accounts.issueSetupToken();
    const setUp = (body: unknown) => test.call("POST", "/api/auth/setup", { body });
    return { ...test, token, setUp };
  }

  it("makes an admin, a project and keys, and ends with a request that works", async () => {
    const deployed: string[] = [];
    const deployStarter = async ({ slug }: { slug: string }) => {
      deployed.push(slug);
      return `http://aerostack.test/f/${slug}/hello`;
    };
    const { token, setUp, call } = await start({ deployStarter });
    const { status, body } = await setUp({ ...account, token, projectName: "Shop" });
    expect(status).toBe(201);
    expect(body).toMatchObject({ user: { isAdmin: true }, project: { name: "Shop", slug: "shop" } });
    expect(deployed).toEqual(["shop"]);
    expect(body.curl).toBe(`curl -H 'X-Aerostack-Key: ${body.secretKey}' 'http://aerostack.test/f/shop/hello'`);
    const validated = await call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": body.secretKey } });
    expect(validated.body.slug).toBe("shop");
  });

  it("shows a request that works also when the first function could not be deployed", async () => {
    const { token, setUp, call } = await start({ deployStarter: () => Promise.reject(new Error("no runtime")) });
    const { body } = await setUp({ ...account, token });
    const [, key, url] = /X-Aerostack-Key: (\S+)' '(\S+)'/.exec(body.curl) ?? [];
    const answer = await call("GET", new URL(String(url)).pathname, { headers: { "x-aerostack-key": String(key) } });
    expect(answer.body.project.name).toBe("My first project");
  });

  it("works once, with the token of the last start only", async () => {
    const { token, setUp, controlPlane } = await start();
    const newer = await controlPlane.accounts.issueSetupToken();
    const wrong = { status: 403, body: { code: "AUTH_SETUP_TOKEN_INVALID" } };
    expect(await setUp({ ...account, token: "guess" })).toMatchObject(wrong);
    expect(await setUp({ ...account, token })).toMatchObject(wrong);
    expect((await setUp({ ...account, token: newer })).status).toBe(201);
    expect(await setUp({ ...account, email: "b@example.com", token: newer })).toMatchObject(wrong);
    expect(await controlPlane.accounts.issueSetupToken()).toBeUndefined();
  });

  it("lets the token be used again after a mistake in the form", async () => {
    const { token, setUp } = await start();
    expect(await setUp({ ...account, token, password: "weak" })).toMatchObject({ status: 400 });
    expect(await setUp({ ...account, token, ageConfirmed: false })).toMatchObject({ status: 400 });
    expect((await setUp({ ...account, token })).status).toBe(201);
  });

  it("gives the right to read metrics to admins and to nobody else", async () => {
    const { token, setUp, call, createDeveloper } = await start({ extraRoutes: metricsRoutes(createMetrics()) });
    const { body } = await setUp({ ...account, token });
    const read = (headers: Record<string, string>) => call("GET", "/metrics", { headers });
    expect((await read({})).status).toBe(401);
    expect((await read((await createDeveloper("ada@example.com")).bearer)).status).toBe(403);
    expect((await read({ "x-api-key": body.secretKey })).status).toBe(403);
    const admin = await read({ authorization: `Bearer ${body.token}` });
    expect(admin.status).toBe(200);
    expect(admin.body).toContain("process_cpu_seconds_total");
  });

  it("P19 serves pages that load nothing from anywhere and run only their own script", async () => {
    const { call, token, setUp } = await start();
    for (const path of ["/setup", "/device"]) {
      const { body, headers } = await call("GET", path);
      const policy = headers.get("content-security-policy") ?? "";
      const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1];
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain("unsafe");
      expect(body).toContain(`<script nonce="${nonce}"`);
      expect(body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
      expect(policy).toContain("frame-ancestors 'none'");
      // Text is written as text; passwords are masked, and named for the managers that fill them in.
      expect(body).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|onpaste/);
      expect(body).toMatch(/type="password" autocomplete="(?:new|current)-password"/);
      expect((await call("GET", path)).headers.get("content-security-policy")).not.toBe(policy);
    }
    expect((await call("GET", "/setup")).body).toContain("Create the first account");
    await setUp({ ...account, token });
    expect((await call("GET", "/setup")).body).toContain("is set up");
  });
});
