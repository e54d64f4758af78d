import { createManualClock } from "@aerostack/kernel";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AuditTables } from "../audit/tables.ts";
import { MAX_STALENESS_MS } from "../kernel/change-feed/change-feed.ts";
import { createTestApp, createTestSecrets, TEST_START_MS } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { createDomains, type Domains } from "./create-domains.ts";
import { startNameServer, type TestNameServer } from "./dns-testing.ts";
import type { DomainTables } from "./tables.ts";
import { createDomainTrouble } from "./tell-owner.ts";
import { createTxtResolver } from "./txt-proof.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

let dns: TestNameServer;
beforeAll(async () => {
  dns = await startNameServer();
});
afterAll(() => dns.close());

describeEachControlDatabase("custom domains", (openDatabase) => {
  type Database = Awaited<ReturnType<typeof openDatabase>>;

  async function startOn(database: Database, clock = createManualClock(TEST_START_MS), secrets = createTestSecrets()) {
    dns.records.clear();
    dns.failing = false;
    const troubles: string[] = [];
    const certified = new Map<string, { status: "pending"; lastError: null }>();
    let domains: Domains | undefined;
    const test = await createTestApp(database, {
      clock,
      secrets,
      extraRoutes(controlPlane) {
        domains = createDomains({
          ...controlPlane,
          sql: database,
          clock,
          log: { warn: () => {} } as never,
          resolveTxt: createTxtResolver([dns.address]),
          certificates: {
            ensure: async (name) => void certified.set(name, { status: "pending", lastError: null }),
            state: async (name) => certified.get(name) ?? null,
            remove: async (name) => void certified.delete(name),
          },
          origin: "https://api.aerostack.test",
          functionsDomain: "functions.test",
          async onTrouble(domain, what) {
            troubles.push(`${domain.hostname}: ${what}`);
            const { notices, projects } = controlPlane;
            await createDomainTrouble({ notices, findProject: projects.find })(domain, what);
          },
        });
        return domains.routes;
      },
    });
    if (domains === undefined) throw new Error("the routes were not asked for");
    const { router, service } = domains;

    /** Somebody with a project, and short ways to its domains. */
    async function createOwner(email: string) {
      const developer = await test.createDeveloper(email);
      const project = await developer.createProject("Shop");
      const path = `/api/v1/projects/${project.id}/domains`;
      const call = (method: string, rest = "", body?: unknown) => developer.call(method, `${path}${rest}`, body);
      return {
        project,
        developer,
        call,
        add: (hostname: string, extra: Record<string, unknown> = {}) => call("POST", "", { hostname, ...extra }),
        verify: (hostname: string) => call("POST", `/${hostname}/verify`),
        /** Puts the record that proves the domain into the DNS. */
        async prove(hostname: string): Promise<void> {
          const { name, value } = (await call("GET", `/${hostname}`)).body.domain.proof;
          dns.records.set(name, [...(dns.records.get(name) ?? []), value]);
        },
        async serve(hostname: string, extra: Record<string, unknown> = {}) {
          await this.add(hostname, extra);
          await this.prove(hostname);
          return await this.verify(hostname);
        },
      };
    }
    const withdraw = (hostname: string) => dns.records.delete(`_aerostack-challenge.${hostname}`);
    return { ...test, clock, router, service, createOwner, withdraw, troubles, certified };
  }
  const start = async () => await startOn(await openDatabase());
  const WEB = { routes: [{ path: "/", function: "web" }] };

  it("are served for the project that proved them, with a certificate, and not before", async () => {
    const { router, createOwner, certified } = await start();
    const ada = await createOwner("ada@example.com");
    const added = await ada.add("Shop.Example.COM.", WEB);
    expect(added).toMatchObject({ status: 201, body: { domain: { hostname: "shop.example.com", status: "pending" } } });
    expect(added.body.domain.proof).toMatchObject({ type: "TXT", name: "_aerostack-challenge.shop.example.com" });
    expect(await router.route("shop.example.com", "/")).toBeNull();
    expect((await ada.verify("shop.example.com")).body.error.code).toBe("DOMAIN_NOT_PROVEN");
    expect(await router.isServed("shop.example.com")).toBe(false);
    expect(certified.size).toBe(0);

    await ada.prove("shop.example.com");
    const verified = await ada.verify("shop.example.com");
    expect(verified.body.domain).toMatchObject({ status: "active", certificate: { status: "pending" } });
    expect(await router.isServed("shop.example.com")).toBe(true);
    expect([...certified.keys()]).toEqual(["shop.example.com"]);
    expect(await router.route("shop.example.com", "/")).toMatchObject({
      kind: "function",
      projectId: ada.project.id,
      functionName: "web",
    });
    expect((await ada.call("GET")).body.domains).toMatchObject([{ hostname: "shop.example.com", status: "active" }]);
  });

  it("are found in every spelling that names the same host, and in none that does not", async () => {
    const { router, createOwner } = await start();
    const ada = await createOwner("ada@example.com");
    await ada.serve("bücher.example", WEB);
    for (const host of ["xn--bcher-kva.example", "XN--BCHER-KVA.example:8443", "xn--bcher-kva.example.:443"])
      expect(await router.route(host, "/"), host).toMatchObject({ kind: "function" });
    for (const host of [
      "b.xn--bcher-kva.example",
      "xn--bcher-kva.example.evil.example",
      "xn--bcher-kva.example:x",
      "xn--bcher-kva.example, evil.example",
      "evil.example@xn--bcher-kva.example",
      "xn--bcher-kva.example\0",
      "bucher.example",
      "xn--bcher-kva",
    ])
      expect(await router.route(host, "/"), host).toBeNull();
  });

  it("of one project are not to be taken by another, which learns of it only with a proof, and never whose they are", async () => {
    const { router, createOwner, withdraw } = await start();
    const ada = await createOwner("ada@example.com");
    const eve = await createOwner("eve@example.com");
    await ada.serve("shop.example", WEB);
    const free = await eve.add("free.example", WEB);
    const taken = await eve.add("shop.example", WEB);
    const shape = (answer: typeof free) => Object.keys(answer.body.domain).join();
    expect([taken.status, shape(taken)]).toEqual([free.status, shape(free)]);
    expect(taken.body.domain.proof.value).not.toBe(free.body.domain.proof.value);
    const [withoutProof, ofFree] = [await eve.verify("shop.example"), await eve.verify("free.example")];
    expect(withoutProof.body.error).toEqual({ ...ofFree.body.error, requestId: expect.any(String) });

    // Whoever holds the DNS holds the proof of both, and the first stays where it is.
    await eve.prove("shop.example");
    const refused = await eve.verify("shop.example");
    expect(refused).toMatchObject({ status: 409, body: { error: { code: "DOMAIN_TAKEN" } } });
    for (const secret of [ada.project.id, ada.project.slug, "ada@"])
      expect(JSON.stringify(refused.body)).not.toContain(secret);
    expect(await router.route("shop.example", "/")).toMatchObject({ projectId: ada.project.id });

    await ada.call("DELETE", "/shop.example");
    withdraw("shop.example");
    expect((await eve.verify("shop.example")).body.error.code).toBe("DOMAIN_NOT_PROVEN");
    await eve.prove("shop.example");
    expect((await eve.verify("shop.example")).status).toBe(200);
    expect(await router.route("shop.example", "/")).toMatchObject({ projectId: eve.project.id });
  });

  it("are served for one project also where two prove them at the same moment", async () => {
    const { createOwner } = await start();
    const owners = [await createOwner("ada@example.com"), await createOwner("eve@example.com")];
    for (const owner of owners) {
      await owner.add("shop.example");
      await owner.prove("shop.example");
    }
    const answers = await Promise.all(owners.map((owner) => owner.verify("shop.example")));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  it("answer somebody else's project the same as one that does not exist", async () => {
    const { createOwner } = await start();
    const ada = await createOwner("ada@example.com");
    const eve = await createOwner("eve@example.com");
    const { id } = (await ada.serve("shop.example")).body.domain;
    const strip = (text: string) => text.replace(/"requestId":"[^"]*"/, "");
    for (const [method, rest, body] of [
      ["GET", ""],
      ["POST", "", { hostname: "other.example" }],
      ["GET", `/${id}`],
      ["PATCH", `/${id}`, { servesApi: true }],
      ["POST", `/${id}/verify`],
      ["DELETE", `/${id}`],
    ] as const) {
      const [theirs, nobodys] = [ada.project.id, "prj_00000000000000000000000000"].map((project) =>
        eve.developer.call(method, `/api/v1/projects/${project}/domains${rest}`, body),
      );
      const [one, other] = [await theirs, await nobodys];
      expect(one?.status, method + rest).toBe(404);
      expect(strip(JSON.stringify(one?.body))).toBe(strip(JSON.stringify(other?.body)));
      // By way of the own project it is no other.
      if (rest !== "") expect((await eve.call(method, rest, body)).status).toBe(404);
    }
    expect((await ada.call("GET", `/${id}`)).body.domain).toMatchObject({ status: "active", servesApi: false });
  });

  it("refuse names of the installation itself, of others' networks, and fields that nobody offers", async () => {
    const { createOwner } = await start();
    const { call, add } = await createOwner("ada@example.com");
    for (const hostname of [
      "api.aerostack.test",
      "x.api.aerostack.test",
      "functions.test",
      "web.shop.functions.test",
      "*.shop.example",
      "localhost",
      "127.0.0.1",
      "shop.example\r\nx: y",
    ])
      expect((await add(hostname)).status, hostname).toBe(400);
    for (const extra of [
      { status: "active" },
      { projectId: "prj_x" },
      { token: "x" },
      { routes: [{ path: "api", function: "web" }] },
      { routes: [{ path: "/a/../b", function: "web" }] },
      { routes: [{ path: "/a?b", function: "web" }] },
      { routes: [{ path: "/", function: "web", projectId: "prj_x" }] },
      {
        routes: [
          { path: "/", function: "web" },
          { path: "/", function: "api" },
        ],
      },
    ])
      expect((await add("shop.example", extra)).status, JSON.stringify(extra)).toBe(400);
    expect((await call("GET")).body.domains).toEqual([]);
  });

  it("lead each path to its function, as the function will see the path", async () => {
    const { router, createOwner } = await start();
    const ada = await createOwner("ada@example.com");
    const routes = [
      { path: "/", function: "web" },
      { path: "/api", function: "api" },
      { path: "/api/admin", function: "admin", environment: "staging" },
    ];
    await ada.serve("shop.example", { routes, servesApi: true });
    const names = {
      "/": "web",
      "/index.html?x=/api": "web",
      "/apis": "web",
      "/api": "api",
      "/api?x=1": "api",
      "/api/items": "api",
      "/api/administrators": "api",
      "/api/admin/users": "admin",
      "/x/../api/admin": "admin",
      "/api/%2e%2e/index.html": "web",
      "/api\\admin": "admin",
      "/f/other-project/secret": "web",
      "/api/v1/projects": "api",
    };
    for (const [url, functionName] of Object.entries(names))
      expect(await router.route("shop.example", url), url).toMatchObject({ kind: "function", functionName });
    expect(await router.route("shop.example", "/v1/db/query")).toEqual({ kind: "api", projectId: ada.project.id });
    await ada.call("PATCH", "/shop.example", { routes: routes.slice(1), servesApi: false });
    expect(await router.route("shop.example", "/v1/db/query")).toEqual({ kind: "nothing" });
  });

  it("ask the database for nothing while nothing changes, whatever hosts are named", async () => {
    const { router, createOwner } = await start();
    const ada = await createOwner("ada@example.com");
    await ada.serve("shop.example", WEB);
    await router.route("shop.example", "/");
    for (let n = 0; n < 1_000; n++) {
      expect(router.route("shop.example", "/")).toMatchObject({ kind: "function" });
      expect(router.route(`made-up-${n}.example`, "/")).toBeNull();
    }
  });

  it("are known to every server within a second, and gone as soon", async () => {
    const database = await openDatabase();
    const secrets = createTestSecrets();
    const here = await startOn(database, undefined, secrets);
    const there = await startOn(database, here.clock, secrets);
    expect(await there.router.route("shop.example", "/")).toBeNull();
    const ada = await here.createOwner("ada@example.com");
    await ada.serve("shop.example", WEB);
    here.clock.advance(MAX_STALENESS_MS);
    expect(await there.router.route("shop.example", "/")).toMatchObject({ kind: "function" });
    await ada.call("DELETE", "/shop.example");
    expect(await here.router.route("shop.example", "/")).toBeNull();
    here.clock.advance(MAX_STALENESS_MS);
    expect(await there.router.route("shop.example", "/")).toBeNull();
    expect(here.certified.size).toBe(0);
  });

  it("are suspended when the proof has been gone for seven days, and come back when it is there again", async () => {
    const { router, service, clock, createOwner, withdraw, troubles, certified, readMail } = await start();
    const ada = await createOwner("ada@example.com");
    await ada.serve("shop.example", WEB);
    const runDays = async (days: number) => {
      for (let hour = 0; hour < days * 24; hour++) {
        clock.advance(HOUR_MS);
        await service.recheck();
      }
    };
    await runDays(3);
    withdraw("shop.example");
    await runDays(2);
    const missing = (await ada.call("GET", "/shop.example")).body.domain;
    expect(missing).toMatchObject({ status: "active", proofMissingSince: expect.any(String) });
    expect(troubles).toEqual(["shop.example: proof missing"]);
    expect(await readMail("ada@example.com")).toContainEqual(
      expect.objectContaining({
        kind: "domain-proof-missing",
        text: expect.stringMatching(/_aerostack-challenge\.shop\.example/),
      }),
    );

    // Back in time: nothing of it counts any more.
    await ada.prove("shop.example");
    await runDays(1);
    expect((await ada.call("GET", "/shop.example")).body.domain.proofMissingSince).toBeNull();
    withdraw("shop.example");
    await runDays(7);
    expect(await router.isServed("shop.example")).toBe(true);
    await runDays(1.5);
    expect((await ada.call("GET", "/shop.example")).body.domain.status).toBe("suspended");
    expect(await router.route("shop.example", "/")).toBeNull();
    expect(certified.size).toBe(0);
    expect(troubles.at(-1)).toBe("shop.example: suspended");
    expect((await readMail("ada@example.com")).map(({ kind }) => kind)).toContain("domain-suspended");

    await ada.prove("shop.example");
    expect((await ada.verify("shop.example")).body.domain.status).toBe("active");
  });

  it("stay while name servers do not answer, however long", async () => {
    const { router, service, clock, createOwner } = await start();
    const ada = await createOwner("ada@example.com");
    await ada.serve("shop.example", WEB);
    dns.failing = true;
    for (let day = 0; day < 30; day++) {
      clock.advance(DAY_MS);
      await service.recheck();
    }
    expect(await router.isServed("shop.example")).toBe(true);
    expect(await ada.verify("shop.example")).toMatchObject({ status: 503 });
  });

  it("are looked at by one of several servers, and claims that nobody proved are forgotten after a month", async () => {
    const { service, clock, createOwner } = await start();
    const ada = await createOwner("ada@example.com");
    await ada.serve("shop.example");
    await ada.add("never.example");
    clock.advance(DAY_MS);
    const before = dns.asked.length;
    await Promise.all([service.recheck(), service.recheck()]);
    expect(dns.asked.length - before).toBe(1);
    clock.advance(30 * DAY_MS);
    await service.recheck();
    expect((await ada.call("GET")).body.domains.map((one: { hostname: string }) => one.hostname)).toEqual([
      "shop.example",
    ]);
  });

  it("go with their project, and every change of them stands in the audit log", async () => {
    const database = await openDatabase();
    const { service, router, createOwner } = await startOn(database);
    const ada = await createOwner("ada@example.com");
    await ada.serve("shop.example", WEB);
    await ada.call("PATCH", "/shop.example", { servesApi: true });
    await ada.add("b.example");
    await ada.call("DELETE", "/b.example");
    const entries = await database
      .withTables<AuditTables>()
      .db.selectFrom("audit_entries")
      .select(["action", "project_id"])
      .where("action", "like", "domain.%")
      .orderBy("id")
      .execute();
    const actions = entries.map(({ action }) => action).toSorted();
    expect(actions).toEqual(["domain.added", "domain.added", "domain.changed", "domain.removed", "domain.verified"]);
    expect(new Set(entries.map(({ project_id }) => project_id))).toEqual(new Set([ada.project.id]));
    await service.removeOfProject(ada.project.id);
    expect(await router.route("shop.example", "/")).toBeNull();
    expect(await database.withTables<DomainTables>().db.selectFrom("custom_domains").selectAll().execute()).toEqual([]);
  });

  it("are looked up thirty times a minute for one project, so that nobody asks name servers through us", async () => {
    const { createOwner } = await start();
    const ada = await createOwner("ada@example.com");
    await ada.add("shop.example");
    const before = dns.asked.length;
    const answers = await Promise.all(Array.from({ length: 40 }, () => ada.verify("shop.example")));
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
    expect(dns.asked.length - before).toBe(30);
  });
});
