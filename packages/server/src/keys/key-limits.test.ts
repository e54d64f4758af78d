import { expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const DAY_MS = 24 * 60 * 60_000;

describeEachControlDatabase("a limited key", (openDatabase) => {
  async function start() {
    const test = await createTestApp(await openDatabase(), { trustProxy: ["true"] });
    const ada = await test.createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const path = `/api/v1/projects/${project.id}`;
    const asked = (key: string, method: string, at: string, body?: unknown, ip = "192.0.2.1") =>
      test.call(method, at, {
        headers: { "x-api-key": key, "x-forwarded-for": ip },
        ...(body === undefined ? {} : { body }),
      });
    const accountKey = async (limits: object) =>
      (await ada.call("POST", "/api/v1/account/keys", { name: "limited", ...limits })).body.secret as string;
    return { ...test, ada, project, path, asked, accountKey };
  }

  it("does what its scopes say, and is told the one that is missing", async () => {
    const { path, asked, accountKey } = await start();
    const key = await accountKey({ scopes: ["projects:read"] });
    expect((await asked(key, "GET", path)).status).toBe(200);
    const refused = await asked(key, "PATCH", path, { name: "Other" });
    expect(refused.status).toBe(403);
    expect(refused.body.error).toMatchObject({ code: "FORBIDDEN", details: { missingScope: "projects:write" } });
    expect((await asked(key, "GET", `${path}/keys`)).body.error.details).toEqual({ missingScope: "keys:read" });
    expect((await asked(await accountKey({ scopes: ["read"] }), "GET", `${path}/keys`)).status).toBe(200);
    expect((await asked(await accountKey({ scopes: ["read"] }), "PATCH", path, { name: "Other" })).status).toBe(403);
  });

  it("is refused from every address that it does not list", async () => {
    const { path, asked, accountKey } = await start();
    const key = await accountKey({ allowedIps: ["192.0.2.0/24", "2001:db8::/32"] });
    for (const ip of ["192.0.2.1", "192.0.2.255", "2001:db8::5"]) {
      expect((await asked(key, "GET", path, undefined, ip)).status, ip).toBe(200);
    }
    for (const ip of ["198.51.100.1", "2001:db9::1", "192.0.2.1, 198.51.100.1"]) {
      const refused = await asked(key, "GET", path, undefined, ip);
      expect(refused.status, ip).toBe(403);
      expect(refused.body.error.code).toBe("FORBIDDEN");
    }
  });

  it("makes no key that may do more than itself", async () => {
    const { path, asked, accountKey } = await start();
    const key = await accountKey({ scopes: ["keys", "db:read"], allowedIps: ["192.0.2.0/24"] });
    const make = (limits: object) => asked(key, "POST", `${path}/keys`, { name: "k", kind: "secret", ...limits });
    expect((await make({ scopes: ["db:write"] })).status).toBe(403);
    expect((await make({ scopes: ["*"] })).status).toBe(403);
    expect((await make({ allowedIps: [] })).status).toBe(403);
    expect((await make({ allowedIps: ["0.0.0.0/0"] })).status).toBe(403);
    const inherited = await make({});
    expect(inherited.status).toBe(201);
    expect(inherited.body.key).toMatchObject({ scopes: ["db:read", "keys"], allowedIps: ["192.0.2.0/24"] });
  });

  it("of an account expires at its time", async () => {
    const { path, asked, accountKey, clock } = await start();
    const key = await accountKey({ expiresAt: new Date(clock.now() + 1_000).toISOString() });
    expect((await asked(key, "GET", path)).status).toBe(200);
    clock.advance(1_000);
    expect((await asked(key, "GET", path)).status).toBe(401);
  });

  it("is rotated into one that may do the same, and works on for the grace alone", async () => {
    const { ada, path, asked, clock } = await start();
    const made = await ada.call("POST", `${path}/keys`, { name: "k", kind: "secret", scopes: ["projects:read"] });
    const rotate = (id: string, body: object = {}) => ada.call("POST", `${path}/keys/${id}/rotate`, body);
    const next = await rotate(made.body.key.id);
    expect(next.status).toBe(201);
    expect(next.body.key).toMatchObject({ name: "k", kind: "secret", scopes: ["projects:read"], expiresAt: null });
    expect((await rotate(made.body.key.id)).status).toBe(409);
    expect((await asked(made.body.secret, "GET", path)).status).toBe(200);
    clock.advance(DAY_MS);
    expect((await asked(made.body.secret, "GET", path)).status).toBe(401);
    expect((await asked(next.body.secret, "GET", path)).status).toBe(200);
    const last = await rotate(next.body.key.id, { graceSeconds: 0 });
    expect((await asked(next.body.secret, "GET", path)).status).toBe(401);
    expect((await asked(last.body.secret, "GET", path)).status).toBe(200);
  });

  it("is rotated once by any number of calls at the same time", async () => {
    const { ada, path } = await start();
    const made = await ada.call("POST", `${path}/keys`, { name: "k", kind: "secret" });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ada.call("POST", `${path}/keys/${made.body.key.id}/rotate`, {})),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  it("shows when and from where it was last used", async () => {
    const { ada, path, asked, clock, controlPlane } = await start();
    const made = await ada.call("POST", `${path}/keys`, { name: "k", kind: "secret" });
    await asked(made.body.secret, "GET", path, undefined, "203.0.113.9");
    await controlPlane.flushKeyUses();
    const { body } = await ada.call("GET", `${path}/keys`);
    expect(body.keys[0]).toMatchObject({ lastUsedIp: "203.0.113.9", lastUsedAt: new Date(clock.now()).toISOString() });
  });
});
