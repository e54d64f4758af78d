import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { MAX_STALENESS_MS } from "../kernel/change-feed/change-feed.ts";
import { createTestApp, createTestSecrets, TEST_START_MS } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

describeEachControlDatabase("keys", (openDatabase) => {
  async function start() {
    const test = await createTestApp(await openDatabase());
    const ada = await test.createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    return { ...test, ada, project };
  }

  it("are shown once, and listed by their first characters", async () => {
    const { ada, project } = await start();
    const key = await ada.createKey(project, "secret");
    const { body } = await ada.call("GET", `/api/v1/projects/${project.id}/keys`);
    expect(body.keys).toMatchObject([{ id: key.id, kind: "secret", revokedAt: null, lastUsedAt: null }]);
    expect(key.secret.startsWith(body.keys[0].prefix)).toBe(true);
    expect(JSON.stringify(body)).not.toContain(key.secret);
  });

  it("are accepted in every place where clients put them", async () => {
    const { app, ada, project } = await start();
    const { secret } = await ada.createKey(project, "secret");
    const places: [string, Record<string, string>][] = [
      ["", { "x-aerostack-key": secret }],
      ["", { "x-api-key": secret }],
      ["", { authorization: `Bearer ${secret}` }],
      ["", { "sec-websocket-protocol": `aerostack-key.${secret}, aerostack-v1` }],
      [`?apiKey=${secret}`, {}],
    ];
    for (const [search, headers] of places) {
      const answer = await app.request(`/api/v1/cli/validate${search}`, { method: "POST", headers });
      expect(answer.status, JSON.stringify(headers)).toBe(200);
    }
  });

  it("stop at once on the server that revoked them and within a second on every other", async () => {
    const sql = await openDatabase();
    const clock = createManualClock(TEST_START_MS);
    const secrets = createTestSecrets();
    const here = await createTestApp(sql, { clock, secrets });
    const there = await createTestApp(sql, { clock, secrets });
    const ada = await here.createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const key = await ada.createKey(project, "secret");
    const validate = (test: typeof here) =>
      test.call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key.secret } });
    expect((await validate(here)).status).toBe(200);
    expect((await validate(there)).status).toBe(200);

    await ada.call("DELETE", `/api/v1/projects/${project.id}/keys/${key.id}`);
    expect((await validate(here)).status).toBe(401);
    clock.advance(MAX_STALENESS_MS);
    expect((await validate(there)).status).toBe(401);
  });

  it("expire at their time, also while they are in use", async () => {
    const { ada, project, call, clock } = await start();
    const expiresAt = new Date(clock.now() + 5_000).toISOString();
    const key = await ada.createKey(project, "public", { expiresAt });
    const validate = () => call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key.secret } });
    expect((await validate()).status).toBe(200);
    clock.advance(4_999);
    expect((await validate()).status).toBe(200);
    clock.advance(1);
    expect((await validate()).status).toBe(401);
    const past = await ada.call("POST", `/api/v1/projects/${project.id}/keys`, {
      name: "k",
      kind: "public",
      expiresAt,
    });
    expect(past.status).toBe(400);
  });

  it("of the secret kind manage their own project and nothing else; public ones manage nothing", async () => {
    const { ada, project, call } = await start();
    const other = await ada.createProject("Other");
    const secret = { "x-api-key": (await ada.createKey(project, "secret")).secret };
    const publicKey = { "x-api-key": (await ada.createKey(project, "public")).secret };
    const get = (id: string, headers: Record<string, string>) => call("GET", `/api/v1/projects/${id}`, { headers });
    expect((await get(project.id, secret)).status).toBe(200);
    expect((await get(other.id, secret)).status).toBe(404);
    expect((await get(project.id, publicKey)).status).toBe(403);
    const escalation = await call("POST", `/api/v1/projects/${project.id}/keys`, {
      body: { name: "more", kind: "secret" },
      headers: secret,
    });
    expect(escalation.status).toBe(403);
    expect((await call("GET", "/api/v1/account", { headers: secret })).status).toBe(403);
  });

  it("show when they were last used", async () => {
    const { ada, project, call, clock, controlPlane } = await start();
    const key = await ada.createKey(project, "public");
    clock.advance(1_000);
    await call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key.secret } });
    await controlPlane.flushKeyUses();
    const { body } = await ada.call("GET", `/api/v1/projects/${project.id}/keys`);
    expect(Date.parse(body.keys[0].lastUsedAt)).toBe(clock.now());
  });

  it("of an account can be revoked, and stop", async () => {
    const { ada, call } = await start();
    expect((await ada.call("GET", "/api/v1/account")).status).toBe(200);
    await call("DELETE", `/api/v1/account/keys/${ada.accountKeyId}`, { headers: ada.bearer });
    expect((await ada.call("GET", "/api/v1/account")).status).toBe(401);
    expect((await call("GET", "/api/v1/account", { headers: ada.bearer })).status).toBe(200);
  });
});
