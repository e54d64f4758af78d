import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import type { AuditTables } from "../../audit/tables.ts";
import { createLifecycle } from "../../kernel/lifecycle.ts";
import { createLogger } from "../../kernel/log.ts";
import { createMetrics } from "../../kernel/metrics.ts";
import { createTestApp, createTestSecrets, TEST_START_MS } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import { createFrontDoor, type FrontDoor } from "../create-front-door.ts";
import type { FrontDoorTables } from "../tables.ts";
import { createEngine } from "../waf/engine.ts";
import { MAX_LINES_A_DAY } from "./hit-log.ts";

const DAY_MS = 24 * 60 * 60_000;

describeEachControlDatabase("P32 a project's firewall", (openDatabase) => {
  type Database = Awaited<ReturnType<typeof openDatabase>>;

  async function startOn(sql: Database, clock = createManualClock(TEST_START_MS), secrets = createTestSecrets()) {
    const log = createLogger({ level: "silent" });
    let made: FrontDoor | undefined;
    const test = await createTestApp(sql, {
      clock,
      secrets,
      inspectBody: (received) => made?.inspectBody(received),
      extraRoutes(controlPlane) {
        made = createFrontDoor({
          ...controlPlane,
          sql,
          clock,
          metrics: createMetrics(),
          log,
          lifecycle: createLifecycle(log),
          engine: createEngine({ paranoia: 1 }),
          managementMode: "block",
          projectsMode: "detect",
        });
        controlPlane.projects.onDelete("front door", ({ id }) => (made as FrontDoor).deleteProject(id));
        return made.routes;
      },
    });
    if (made === undefined) throw new Error("the routes were not asked for");
    const frontDoor = made;
    const engine = createEngine({ paranoia: 1 });
    let serial = 0;
    /** An attack on a project, as the guard tells it. */
    const attack = async (projectId: string | null, url = "/f/shop/hello?q=1'%20UNION%20SELECT%20password") => {
      const inspection = engine.inspectHead({ url, headers: {} });
      if (inspection === null) throw new Error(`${url} is no attack`);
      const requestId = `req-${++serial}`;
      const suspect = { inspection, projectId, url, requestId, ip: "192.0.2.7", region: "IE" } as const;
      return await frontDoor.judge.refuses({ ...suspect, defaultMode: projectId === null ? "block" : "detect" });
    };
    return { ...test, sql, secrets, frontDoor, attack };
  }
  const start = async () => await startOn(await openDatabase());

  async function withProject() {
    const test = await start();
    const ada = await test.createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const path = `/api/v1/projects/${project.id}/firewall`;
    return { ...test, ada, project, path };
  }
  const auditOf = async (sql: Database) =>
    (await sql.withTables<AuditTables>().db.selectFrom("audit_entries").selectAll().orderBy("id").execute()).filter(
      ({ action }) => action.startsWith("firewall"),
    );

  it("does what the installation does until the project chooses, and says which it is", async () => {
    const { ada, path, project, attack } = await withProject();
    expect((await ada.call("GET", path)).body).toEqual({
      firewall: { mode: null, effectiveMode: "detect", inspectFunctionBodies: false, exceptions: [] },
    });
    expect(await attack(project.id)).toBe(false);
    expect((await ada.call("PATCH", path, { mode: "block" })).body.firewall).toMatchObject({
      mode: "block",
      effectiveMode: "block",
    });
    expect(await attack(project.id)).toBe(true);
    expect((await ada.call("PATCH", path, { mode: null })).body.firewall).toMatchObject({ mode: null });
    expect(await attack(project.id)).toBe(false);
    for (const body of [{ mode: "maybe" }, { mode: "off", extra: 1 }, []]) {
      expect((await ada.call("PATCH", path, body)).status).toBe(400);
    }
  });

  it("is known on every server within a second", async () => {
    const { ada, path, project, sql, clock, secrets } = await withProject();
    const other = await startOn(sql, clock, secrets);
    expect(await other.attack(project.id)).toBe(false);
    expect(other.frontDoor.someProjectInspects()).toBe(false);
    await ada.call("PATCH", path, { mode: "block" });
    clock.advance(1_000);
    expect(await other.attack(project.id)).toBe(true);
    expect(other.frontDoor.someProjectInspects()).toBe(true);
  });

  it("takes exceptions, each once and a hundred at most, and none that exempts everything", async () => {
    const { ada, path, project, attack } = await withProject();
    await ada.call("PATCH", path, { mode: "block" });
    for (const body of [{}, { rule: 1 }, { pathPrefix: "shop" }, { pathPrefix: "/a?b" }, { parameter: "a\n" }]) {
      expect((await ada.call("POST", `${path}/exceptions`, body)).status, JSON.stringify(body)).toBe(400);
    }
    const made = await ada.call("POST", `${path}/exceptions`, { pathPrefix: "/f/shop/hello", parameter: "q" });
    expect(made).toMatchObject({ status: 201, body: { exception: { rule: null, parameter: "q" } } });
    expect(await attack(project.id)).toBe(false);
    expect(await attack(project.id, "/f/shop/hello?p=1'%20UNION%20SELECT%20password")).toBe(true);
    const again = await ada.call("POST", `${path}/exceptions`, { pathPrefix: "/f/shop/hello", parameter: "q" });
    expect(again).toMatchObject({ status: 409, body: { error: { code: "CONFLICT" } } });
    for (let n = 1; n < 100; n++) {
      expect((await ada.call("POST", `${path}/exceptions`, { parameter: `p${n}` })).status).toBe(201);
    }
    expect((await ada.call("POST", `${path}/exceptions`, { parameter: "p100" })).status).toBe(409);
    const { id } = made.body.exception;
    expect((await ada.call("DELETE", `${path}/exceptions/${id}`)).status).toBe(200);
    expect((await ada.call("DELETE", `${path}/exceptions/${id}`)).status).toBe(404);
    expect(await attack(project.id)).toBe(true);
  });

  it("is the business of the project's own people, and every change is in the audit log, before and after", async () => {
    const { createDeveloper, ada, path, project, sql, call, clock } = await withProject();
    const stranger = await createDeveloper("stranger@example.com");
    for (const [method, rest, body] of [
      ["GET", "", undefined],
      ["PATCH", "", { mode: "off" }],
      ["POST", "/exceptions", { rule: 6001 }],
      ["DELETE", "/exceptions/fwx_1", undefined],
      ["GET", "/hits", undefined],
    ] as const) {
      const refused = await stranger.call(method, `${path}${rest}`, body);
      const absent = await stranger.call(method, `/api/v1/projects/prj_absent/firewall${rest}`, body);
      expect(refused.status, `${method} ${rest}`).toBe(404);
      expect({ ...refused.body.error, requestId: "" }).toEqual({ ...absent.body.error, requestId: "" });
      expect((await call(method, `${path}${rest}`, body === undefined ? {} : { body })).status).toBe(401);
    }
    const publicKey = (await ada.createKey(project, "public")).secret;
    expect((await call("PATCH", path, { body: { mode: "off" }, headers: { "x-api-key": publicKey } })).status).toBe(
      403,
    );
    expect(await auditOf(sql)).toEqual([]);
    await ada.call("PATCH", path, { mode: "block" });
    clock.advance(1);
    await ada.call("POST", `${path}/exceptions`, { rule: 6001 });
    const entries = await auditOf(sql);
    expect(entries.map(({ action, project_id }) => [action, project_id])).toEqual([
      ["firewall.changed", project.id],
      ["firewall_exception.added", project.id],
    ]);
    expect(JSON.parse(entries[0]?.before ?? "")).toMatchObject({ mode: null });
    expect(JSON.parse(entries[0]?.after ?? "")).toMatchObject({ mode: "block" });
    expect(JSON.parse(entries[1]?.after ?? "")).toMatchObject({ exceptions: [{ rule: 6001 }] });
  });

  it("lists what it found, alike hits of a day as one line, and keeps them for thirty days", async () => {
    const { ada, path, project, attack, clock, frontDoor, sql } = await withProject();
    await attack(project.id);
    await attack(project.id);
    await frontDoor.hits.flush();
    await ada.call("PATCH", path, { mode: "block" });
    clock.advance(1_000);
    await attack(project.id);
    await attack(project.id, "/f/shop/x/..%2f..%2fetc/passwd?secret=not-shown");
    const { hits } = (await ada.call("GET", `${path}/hits`)).body;
    expect(hits).toHaveLength(new Set(hits.map(({ id }: { id: string }) => id)).size);
    const union = hits.filter((hit: { rule: number }) => hit.rule === 6001);
    expect(union).toEqual([
      expect.objectContaining({ action: "blocked", count: 1, lastRequestId: "req-3" }),
      expect.objectContaining({
        action: "detected",
        count: 2,
        day: "2026-06-01",
        category: "sql",
        path: "/f/shop/hello",
        parameter: "q",
        lastRequestId: "req-2",
        lastIp: "192.0.2.7",
        lastRegion: "IE",
      }),
    ]);
    expect(JSON.stringify(hits)).not.toMatch(/not-shown|UNION/);
    clock.advance(30 * DAY_MS);
    await frontDoor.hits.removeExpired();
    expect((await ada.call("GET", `${path}/hits`)).body.hits).toHaveLength(hits.length);
    clock.advance(DAY_MS);
    await frontDoor.hits.removeExpired();
    const left = await sql.withTables<FrontDoorTables>().db.selectFrom("firewall_hits").selectAll().execute();
    expect(left).toEqual([]);
  });

  it("counts on when paths are invented without end, and the table does not grow", async () => {
    const { project, attack, frontDoor, sql } = await withProject();
    const total = MAX_LINES_A_DAY * 2 + 100;
    for (let n = 0; n < total; n++) {
      await attack(project.id, `/f/shop/p${n}?q=1'%20UNION%20SELECT%20password`);
      if (n % 300 === 0) await frontDoor.hits.flush();
    }
    await frontDoor.hits.flush();
    const rows = await sql
      .withTables<FrontDoorTables>()
      .db.selectFrom("firewall_hits")
      .selectAll()
      .where("rule", "=", 6001)
      .execute();
    expect(rows.length).toBeLessThanOrEqual(MAX_LINES_A_DAY + 1);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(total);
  });

  it("keeps what belongs to no project for admins of the installation", async () => {
    const { createDeveloper, ada, path, attack, sql, call, project } = await withProject();
    expect(await attack(null, "/api/v1/projects?q=1'%20UNION%20SELECT%20password")).toBe(true);
    expect((await ada.call("GET", `${path}/hits`)).body.hits).toEqual([]);
    expect((await ada.call("GET", "/api/v1/admin/firewall/hits")).status).toBe(403);
    const admin = await createDeveloper("admin@example.com");
    await sql
      .withTables<{ accounts: { id: string; is_admin: number } }>()
      .db.updateTable("accounts")
      .set({ is_admin: 1 })
      .where("id", "=", admin.user.id)
      .execute();
    const key = await call("POST", "/api/v1/account/keys", { body: { name: "admin" }, headers: admin.bearer });
    const listed = await call("GET", "/api/v1/admin/firewall/hits", { headers: { "x-api-key": key.body.secret } });
    expect(listed.body.hits[0]).toMatchObject({ action: "blocked", path: "/api/v1/projects" });
    await attack(project.id);
    expect((await ada.call("GET", `${path}/hits`)).body.hits).not.toEqual([]);
  });

  it("is gone with its project", async () => {
    const { ada, path, project, attack, frontDoor, sql } = await withProject();
    await ada.call("PATCH", path, { mode: "block" });
    await attack(project.id);
    await frontDoor.hits.flush();
    await ada.call("DELETE", `/api/v1/projects/${project.id}?confirm=${project.slug}`);
    const db = sql.withTables<FrontDoorTables>().db;
    expect(await db.selectFrom("firewall_hits").selectAll().execute()).toEqual([]);
    expect(await db.selectFrom("front_door_settings").selectAll().execute()).toEqual([]);
    expect(await attack(project.id)).toBe(false);
  });

  it("refuses an attack in the body of a management request, stores nothing of it, and knows what is meant well", async () => {
    const { ada, project, path, call } = await withProject();
    const renamed = await ada.call("PATCH", `/api/v1/projects/${project.id}`, { name: "<script>alert(1)</script>" });
    expect(renamed).toMatchObject({ status: 403, body: { error: { code: "WAF_BLOCKED" } } });
    expect((await ada.call("GET", `/api/v1/projects/${project.id}`)).body.project.name).toBe("Shop");
    for (const name of ["O'Brien & Sons", "Select your union", "C++ (or C#)"]) {
      expect((await ada.call("PATCH", `/api/v1/projects/${project.id}`, { name })).status, name).toBe(200);
    }
    // Nobody's password is looked at, and no credential is needed to be refused.
    const password = "x' OR 1=1-- <script>";
    const login = await call("POST", "/api/auth/login", { body: { email: "ada@example.com", password } });
    expect(login.status).toBe(401);
    const attack = await call("POST", "/api/auth/login", { body: { email: "x' OR 1=1--", password: "y" } });
    expect(attack).toMatchObject({ status: 403, body: { code: "WAF_BLOCKED" } });
    // What is meant as an exception names paths of attacks in earnest.
    expect((await ada.call("POST", `${path}/exceptions`, { pathPrefix: "/etc/passwd" })).status).toBe(201);
  });

  it("looks at what a project is sent by its own mode, and leaves out what an exception names", async () => {
    const { ada, path, project, frontDoor } = await withProject();
    const send = async (body: unknown) =>
      frontDoor.inspectBody({
        body,
        isApi: false,
        projectId: project.id,
        url: "/v1/cache/set",
        requestId: "req-1",
        ip: null,
        region: null,
      });
    const attack = { key: "a", value: "1 UNION SELECT password FROM users" };
    await expect(send(attack)).resolves.toBeUndefined();
    await ada.call("PATCH", path, { mode: "block" });
    await expect(send(attack)).rejects.toMatchObject({ code: "WAF_BLOCKED" });
    await ada.call("POST", `${path}/exceptions`, { pathPrefix: "/v1/cache", parameter: "value" });
    await expect(send(attack)).resolves.toBeUndefined();
    await expect(send({ key: attack.value })).rejects.toMatchObject({ code: "WAF_BLOCKED" });
  });
});
