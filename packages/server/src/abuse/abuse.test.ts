import type { AbuseFinding } from "@aerostack/contracts";
import { expect, it } from "vitest";
import type { AccountTables } from "../accounts/tables.ts";
import { createHitLog } from "../front-door/firewall/hit-log.ts";
import { createLogger } from "../kernel/log.ts";
import { createHourCounts, type HourCounts } from "../logs/hour-counts.ts";
import type { LogTables } from "../logs/tables.ts";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { createAbuse } from "./create-abuse.ts";

const ADMIN = "/api/v1/admin/abuse";
const DAY_MS = 24 * 60 * 60_000;

describeEachControlDatabase("P12 the abuse view", (openDatabase) => {
  async function start() {
    const database = await openDatabase();
    const logs = await openDatabase();
    const log = createLogger({ level: "silent" });
    const made: { hours?: HourCounts } = {};
    const test = await createTestApp(database, {
      trustProxy: ["true"],
      extraRoutes(controlPlane) {
        const clock = { now: () => test?.clock.now() ?? 0 };
        made.hours = createHourCounts({
          sql: logs.withTables<LogTables>(),
          clock,
          onError(error) {
            throw error;
          },
        });
        return createAbuse({ ...controlPlane, sql: database, clock, callHours: made.hours }).routes;
      },
    });
    const hours = made.hours;
    if (hours === undefined) throw new Error("the routes were not asked for");
    const { db } = database.withTables<AccountTables>();
    const admin = await test.createDeveloper("admin@example.org");
    await db.updateTable("accounts").set({ is_admin: 1 }).where("id", "=", admin.user.id).execute();
    await test.controlPlane.changes.commit(database, [`account:${admin.user.id}`], async () => undefined);
    const list = async (query = "", by = admin, path = ADMIN): Promise<AbuseFinding[]> => {
      const answer = await by.call("GET", `${path}${query}`);
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      return answer.body.findings;
    };
    const register = (email: string, ip: string) => {
      test.clock.advance(15_000);
      return test.call("POST", "/api/auth/register", {
        body: { email, password: TEST_PASSWORD, ageConfirmed: true },
        headers: { "x-forwarded-for": ip },
      });
    };
    /** So many requests of an address to a project, as its log tells them. */
    const calls = (projectId: string, count: number, ip: string, status = 200) =>
      hours.add(
        Array.from({ length: count }, (_, at) => ({
          id: `log_${at}`,
          projectId,
          time: test.clock.now(),
          kind: "request",
          level: "info",
          message: "",
          requestId: null,
          functionName: null,
          environment: null,
          version: null,
          method: "GET",
          path: "/",
          status,
          latencyMs: 1,
          keyId: null,
          ip,
          region: null,
        })),
      );
    const hits = createHitLog({ sql: database, clock: test.clock, log });
    return { ...test, database, db, admin, list, register, calls, hits };
  }

  it("shows many sign-ups of one network and of one pattern, and not a few or old ones", async () => {
    const { list, register, clock } = await start();
    for (let n = 0; n < 6; n++) await register(`bot${n}@example.com`, `2001:db8:1:1::${n + 1}`);
    for (let n = 0; n < 3; n++) await register(`person-${"abc"[n]}@example.com`, "192.0.2.9");
    const found = await list("?kind=sign_ups");
    expect(found.map(({ subject, count, severity }) => [subject.kind, subject.id, count, severity]).sort()).toEqual([
      ["email_pattern", "bot#@example.com", 6, "medium"],
      ["network", "2001:db8:1:1::/64", 6, "medium"],
    ]);
    expect(found[0]?.examples).toHaveLength(6);
    clock.advance(2 * DAY_MS);
    expect(await list("?kind=sign_ups")).toEqual([]);
    const since = new Date(clock.now() - 3 * DAY_MS).toISOString();
    expect(await list(`?kind=sign_ups&since=${since}`)).toHaveLength(2);
  });

  it("shows calls far above what is usual, of a project and of an address, and none that is usual", async () => {
    const { list, calls, createDeveloper, clock } = await start();
    const ada = await createDeveloper("ada@example.com");
    const [quiet, busy] = [await ada.createProject("Quiet"), await ada.createProject("Busy")];
    for (let day = 0; day < 4; day++) {
      calls(quiet.id, 240, "192.0.2.1");
      // As many in each hour as in the last one.
      for (let hour = 0; hour < 24; hour++) {
        calls(busy.id, 1_200, "192.0.2.2");
        clock.advance(DAY_MS / 24);
      }
    }
    calls(quiet.id, 3_000, "192.0.2.66", 401);
    calls(busy.id, 1_200, "192.0.2.2");
    const found = await list("?kind=spike");
    expect(found.map(({ subject, projectId, id }) => [subject.id, projectId, id.split("|").at(-1)]).sort()).toEqual(
      [
        ["192.0.2.66/32", quiet.id, "calls"],
        ["192.0.2.66/32", quiet.id, "refusals"],
        [quiet.id, quiet.id, "calls"],
        [quiet.id, quiet.id, "refusals"],
      ].sort(),
    );
    const ofAddress = found.find(({ subject }) => subject.kind === "network");
    expect(ofAddress?.evidence[0]?.href).toContain(`/api/v1/projects/${quiet.id}/logs?kind=request&ip=192.0.2.66`);
    expect(found.find(({ subject }) => subject.kind === "project")?.summary).toContain("where");
  });

  it("shows guessed passwords, keys that leaked and were used from elsewhere, attacks, and who is blocked", async () => {
    const { list, admin, call, createDeveloper, hits, clock, controlPlane, db } = await start();
    const ada = await createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    for (let n = 0; n < 5; n++) {
      await call("POST", "/api/auth/login", {
        body: { email: "ada@example.com", password: "Wrong-Horse-7" },
        headers: { "x-forwarded-for": `192.0.2.${n}` },
      });
    }
    await controlPlane.idle();
    const leaked = await ada.createKey(project, "secret");
    await call("POST", "/api/v1/leaked-keys", { body: { keys: [leaked.secret] } });
    await controlPlane.idle();
    const bound = await ada.createKey(project, "secret", { allowedIps: ["198.51.100.1"] });
    for (let n = 0; n < 12; n++) {
      const used = await call("GET", `/api/v1/projects/${project.id}`, {
        headers: { "x-api-key": bound.secret, "x-forwarded-for": "192.0.2.50" },
      });
      expect(used.status).toBe(403);
    }
    for (let n = 0; n < 15; n++) {
      const hit = {
        rule: 6001,
        action: "blocked",
        path: `/${n}`,
        parameter: "q",
        requestId: "req",
        region: null,
      } as const;
      hits.add({ ...hit, projectId: project.id, ip: "192.0.2.77" });
    }
    await hits.flush();
    const blocked = await admin.call("POST", "/api/v1/admin/blocks", {
      kind: "network",
      subject: "192.0.2.77",
      reason: "It attacks.",
    });

    const found = await list();
    const seen = found.map(({ kind, subject, count, projectId }) => [kind, subject.id, count, projectId]);
    expect(seen).toEqual(
      expect.arrayContaining([
        ["lock_out", ada.user.id, 5, null],
        ["key_leaked", leaked.id, 1, project.id],
        ["key_refused", bound.id, 12, project.id],
        ["firewall", "192.0.2.77/32", 15, project.id],
        ["blocked", "192.0.2.77/32", 1, null],
      ]),
    );
    expect(found.find(({ kind }) => kind === "firewall")?.block).toBe(blocked.body.block.id);
    expect(found.find(({ kind }) => kind === "key_refused")?.examples).toEqual(["192.0.2.50"]);
    // What is told of an hour that has ended is the same.
    clock.advance(2 * 60 * 60_000);
    await controlPlane.logIns.flushFailures();
    expect(await db.selectFrom("account_login_failures").selectAll().execute()).toEqual([]);
    expect((await list("?kind=lock_out")).map(({ count }) => count)).toEqual([5]);
  });

  it("shows users' codes that were locked, by project, without saying whose they were", async () => {
    const { list, database, createDeveloper, clock } = await start();
    const ada = await createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const { db } = database.withTables<{
      end_user_otps: Record<string, string | number | null>;
      account_codes: Record<string, string | number | null>;
    }>();
    const lock = {
      target: "hmac",
      code_hash: null,
      code_expires_at: 0,
      failures: 0,
      window_started_at: clock.now(),
      locked_until: clock.now() + 60 * 60_000,
      expires_at: clock.now() + DAY_MS,
    };
    await db
      .insertInto("end_user_otps")
      .values({ ...lock, project_id: project.id })
      .execute();
    await db.insertInto("account_codes").values(lock).execute();
    expect((await list()).map(({ kind, subject }) => [kind, subject.kind, subject.id])).toEqual(
      expect.arrayContaining([
        ["lock_out", "project", project.id],
        ["lock_out", "installation", "accounts"],
      ]),
    );
    expect(JSON.stringify(await list())).not.toContain("hmac");
  });

  it("comes page by page, the gravest first, each finding once", async () => {
    const { list, admin, calls, createDeveloper } = await start();
    const ada = await createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    for (let n = 1; n <= 7; n++) calls(project.id, 600 * n, `198.51.100.${n}`);
    const all = await list();
    expect(all.length).toBeGreaterThan(7);
    const rank = { high: 2, medium: 1, low: 0 };
    const ranks = all.map(({ severity }) => rank[severity]);
    expect(ranks).toEqual(ranks.toSorted((a, b) => b - a));
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: { body: { findings: AbuseFinding[]; nextCursor: string | null } } = await admin.call(
        "GET",
        `${ADMIN}?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.findings.map(({ id }) => id));
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(all.map(({ id }) => id));
    for (const query of ["?cursor=nonsense", "?since=2020-01-01T00:00:00Z", "?since=yesterday", "?kind=weather"]) {
      expect((await admin.call("GET", `${ADMIN}${query}`)).status, query).toBe(400);
    }
  });

  it("shows a project's people their own project alone, and nobody else anything", async () => {
    const { list, calls, createDeveloper, call, admin } = await start();
    const [ada, bob] = [await createDeveloper("ada@example.com"), await createDeveloper("bob@example.com")];
    const [shop, other] = [await ada.createProject("Shop"), await bob.createProject("Other")];
    calls(shop.id, 5_000, "198.51.100.1");
    calls(other.id, 5_000, "198.51.100.2");
    const blocked = await admin.call("POST", "/api/v1/admin/blocks", {
      kind: "project",
      subject: shop.id,
      reason: "Not for them to read.",
    });
    expect(blocked.status).toBe(201);
    const path = `/api/v1/projects/${shop.id}/abuse`;
    const own = await list("", ada, path);
    expect(new Set(own.map(({ projectId }) => projectId))).toEqual(new Set([shop.id]));
    expect(own.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["spike", "blocked"]));
    expect(JSON.stringify(own)).not.toMatch(/198\.51\.100\.2|Not for them|blk_|admin\/blocks/);
    expect((await bob.call("GET", path)).status).toBe(404);
    expect((await bob.call("GET", ADMIN)).status).toBe(403);
    expect((await call("GET", ADMIN)).status).toBe(401);
    const ofShop = await list(`?project=${shop.id}`);
    expect(new Set(ofShop.map(({ projectId }) => projectId))).toEqual(new Set([shop.id]));
  });
});
