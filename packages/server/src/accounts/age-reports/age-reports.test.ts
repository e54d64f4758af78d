import { expect, it } from "vitest";
import { createTestApp } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { AccountTables } from "../tables.ts";
import type { AgeReportTables } from "./tables.ts";

const CHILD = "kid@example.com";
const ADMIN_PATH = "/api/v1/admin/age-reports";

describeEachControlDatabase("reports that an account belongs to somebody under 16", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const { db } = database.withTables<AccountTables & AgeReportTables>();
    const test = await createTestApp(database);
    const admin = await test.createDeveloper("admin@example.com");
    await db.updateTable("accounts").set({ is_admin: 1 }).where("id", "=", admin.user.id).execute();
    test.clock.advance(2_000);
    const login = await test.call("POST", "/api/auth/login", {
      body: { email: "admin@example.com", password: "Correct-Horse-7" },
    });
    const adminBearer = { authorization: `Bearer ${login.body.token}` };
    const child = await test.createDeveloper(CHILD);
    const report = (email: string, statement?: string) => {
      test.clock.advance(3 * 60_000);
      return test.call("POST", "/api/auth/age-reports", {
        body: { email, ...(statement === undefined ? {} : { statement }) },
      });
    };
    const list = async (query = "") =>
      (await test.call("GET", `${ADMIN_PATH}${query}`, { headers: adminBearer })).body.reports;
    const decide = (id: string, upheld: boolean, headers: Record<string, string> = adminBearer) =>
      test.call("POST", `${ADMIN_PATH}/${id}/decide`, { headers, body: { upheld } });
    const accountIds = async () =>
      (await db.selectFrom("accounts").select("id").orderBy("id").execute()).map(({ id }) => id);
    return { ...test, db, admin, child, report, list, decide, accountIds };
  }

  it("P42 are seen by operators, and lead to deletion at once where they are upheld", async () => {
    const { call, db, admin, child, report, list, decide, accountIds } = await open();
    await child.createProject("game");
    expect((await report(CHILD, "She is in my class of twelve-year-olds.")).status).toBe(202);
    const [seen, ...others] = await list("?status=open");
    expect(seen).toMatchObject({ email: CHILD, accountId: child.user.id, status: "open" });
    expect(others).toEqual([]);
    expect((await decide(seen.id, true)).body).toEqual({ success: true });
    expect(await accountIds()).toEqual([admin.user.id]);
    expect((await call("GET", "/api/auth/me", { headers: { "x-api-key": child.accountKey } })).status).toBe(401);
    expect(await list()).toMatchObject([{ email: null, accountId: null, statement: null, status: "upheld" }]);
    expect(JSON.stringify(await db.selectFrom("age_reports").selectAll().execute())).not.toContain("kid");
    expect((await decide(seen.id, false)).body).toMatchObject({ error: { code: "CONFLICT" } });
  });

  it("do not tell whether an address has an account, and are one for an address while they are open", async () => {
    const { report, list } = await open();
    const [known, unknown] = [await report(CHILD), await report("nobody@example.com")];
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body]);
    await report(CHILD.toUpperCase());
    expect(await list()).toHaveLength(2);
    expect((await list()).map(({ accountId }: { accountId: string | null }) => accountId === null)).toEqual([
      true,
      false,
    ]);
  });

  it("that are dismissed leave the account as it is and forget whom they were about", async () => {
    const { call, child, report, list, decide } = await open();
    await report(CHILD);
    const [{ id }] = await list();
    expect((await decide(id, false)).status).toBe(200);
    expect((await call("GET", "/api/auth/me", { headers: { "x-api-key": child.accountKey } })).status).toBe(200);
    expect(await list()).toMatchObject([{ email: null, status: "dismissed" }]);
  });

  it("are decided by operators alone, never against one, and limited in number", async () => {
    const { call, child, report, list, decide, accountIds } = await open();
    await report("admin@example.com");
    const [{ id }] = await list();
    expect((await decide(id, true, { "x-api-key": child.accountKey })).status).toBe(403);
    expect((await call("GET", ADMIN_PATH, { headers: { "x-api-key": child.accountKey } })).status).toBe(403);
    expect((await decide("agr_none", true)).status).toBe(404);
    expect((await decide(id, true)).status).toBe(409);
    expect(await accountIds()).toHaveLength(2);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) statuses.push((await report("x@example.com")).status);
    expect(statuses).toEqual([202, 202, 202, 429]);
  });
});
