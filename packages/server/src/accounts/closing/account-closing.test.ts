import { expect, it } from "vitest";
import { fromBase32 } from "../../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../../identity/totp/totp.ts";
import type { ProjectTables } from "../../projects/tables.ts";
import type { TeamTables } from "../../teams/tables.ts";
import { createTestApp, TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { AccountTables } from "../tables.ts";

const EMAIL = "ada@example.com";
const DAY_MS = 24 * 60 * 60_000;

interface AuditRow {
  action: string;
  actor_kind: string;
  target_id: string;
  ip: string | null;
  user_agent: string | null;
}

describeEachControlDatabase("closing an account", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const { db } = database.withTables<AccountTables & ProjectTables & Omit<TeamTables, "accounts" | "projects">>();
    const test = await createTestApp(database);
    const ada = await test.createDeveloper(EMAIL);
    const bob = await test.createDeveloper("bob@example.com");
    const project = await ada.createProject("shop");
    const { secret } = await ada.createKey(project, "secret");
    const close = (body: unknown = { password: TEST_PASSWORD }, headers: Record<string, string> = ada.bearer) =>
      test.call("POST", "/api/auth/account/close", { body, headers });
    const login = (password = TEST_PASSWORD) =>
      test.call("POST", "/api/auth/login", { body: { email: EMAIL, password } });
    const adaSees = async (headers: Record<string, string>) =>
      (await test.call("GET", "/api/auth/me", { headers })).status;
    const keyOpens = async () =>
      (await test.call("GET", `/api/v1/projects/${project.id}`, { headers: { "x-api-key": secret } })).status;
    const addMember = (organisationId: string, accountId: string, role: string) =>
      db
        .insertInto("organisation_members")
        .values({ organisation_id: organisationId, account_id: accountId, role, created_at: test.clock.now() })
        .execute();
    const accountIds = async () => (await db.selectFrom("accounts").select("id").execute()).map(({ id }) => id);
    return { ...test, database, db, ada, bob, project, close, login, adaSees, keyOpens, addMember, accountIds };
  }

  it("P21 stops sessions, keys and projects at once, and tells the owner when everything is deleted", async () => {
    const { call, clock, ada, close, adaSees, keyOpens, readMail } = await open();
    expect([await adaSees(ada.bearer), await adaSees({ "x-api-key": ada.accountKey }), await keyOpens()]).toEqual([
      200, 200, 200,
    ]);
    const { status, body } = await close();
    expect(status).toBe(200);
    expect(Date.parse(body.deletedOn) - clock.now()).toBe(30 * DAY_MS);
    expect([await adaSees(ada.bearer), await adaSees({ "x-api-key": ada.accountKey }), await keyOpens()]).toEqual([
      401, 401, 401,
    ]);
    const refreshed = await call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    expect(refreshed.status).toBe(401);
    const [mail] = (await readMail(EMAIL)).filter(({ kind }) => kind === "account-closed");
    expect(mail?.text).toContain("1 July 2026");
  });

  it("is undone by a log-in: keys and projects are there again", async () => {
    const { ada, close, login, adaSees, keyOpens, clock, readMail, controlPlane } = await open();
    await close();
    clock.advance(29 * DAY_MS - 1);
    await controlPlane.closing.deleteDue();
    expect((await login("Wrong-1234")).status).toBe(401);
    expect(await keyOpens()).toBe(401);
    const { status, body } = await login();
    expect(status).toBe(200);
    // For so long a key that was not valid is remembered as such.
    clock.advance(1_000);
    expect(await adaSees({ authorization: `Bearer ${body.token}` })).toBe(200);
    expect([await adaSees({ "x-api-key": ada.accountKey }), await keyOpens()]).toEqual([200, 200]);
    expect((await readMail(EMAIL)).map(({ kind }) => kind)).toContain("account-reopened");
    clock.advance(2 * DAY_MS);
    await controlPlane.closing.deleteDue();
    expect(await keyOpens()).toBe(200);
  });

  it("is undone by the link in the mail, once", async () => {
    const { call, close, keyOpens, readMail } = await open();
    await close();
    const mail = (await readMail(EMAIL)).find(({ kind }) => kind === "account-closed");
    const token = /\/reopen-account#token=(\w+)/.exec(mail?.text ?? "")?.[1] ?? "";
    const reopen = () => call("POST", "/api/auth/account/reopen", { body: { token } });
    expect((await reopen()).body).toEqual({ success: true });
    expect(await keyOpens()).toBe(200);
    expect((await reopen()).body.code).toBe("AUTH_TOKEN_INVALID");
  });

  it("P21 deletes the account and all that is its alone within 30 days, and leaves nobody's data in the log", async () => {
    const { database, db, ada, bob, project, close, login, clock, controlPlane, accountIds, createDeveloper } =
      await open();
    await close();
    clock.advance(30 * DAY_MS - 60 * 60_000);
    await controlPlane.closing.deleteDue();
    expect(await accountIds()).toEqual([bob.user.id]);
    expect(await db.selectFrom("projects").select("id").where("id", "=", project.id).execute()).toEqual([]);
    expect(await db.selectFrom("organisations").select("personal_account_id").execute()).toEqual([
      { personal_account_id: bob.user.id },
    ]);
    for (const table of ["sessions", "account_keys"] as const) {
      expect(await db.selectFrom(table).select("id").where("account_id", "=", ada.user.id).execute()).toEqual([]);
    }
    expect((await login()).status).toBe(401);
    const entries = await database
      .withTables<{ audit_entries: AuditRow }>()
      .db.selectFrom("audit_entries")
      .selectAll()
      .where("action", "in", ["account.closed", "account.deleted"])
      .orderBy("action")
      .execute();
    expect(entries).toMatchObject([
      { action: "account.closed", target_id: ada.user.id, ip: null, user_agent: null },
      { action: "account.deleted", actor_kind: "system", target_id: ada.user.id, ip: null, user_agent: null },
    ]);
    expect(JSON.stringify(entries)).not.toContain("example.com");
    expect((await createDeveloper(EMAIL)).user.id).not.toBe(ada.user.id);
  });

  it("needs the password, a session and, where there is one, the authenticator app", async () => {
    const { call, ada, close, clock, accountIds } = await open();
    expect((await close({ password: "Wrong-1234" })).body.code).toBe("AUTH_INVALID_CREDENTIALS");
    expect((await close(undefined, { "x-api-key": ada.accountKey })).status).toBe(403);
    expect((await close(undefined, {})).status).toBe(401);
    const begun = await call("POST", "/api/auth/totp/begin", {
      headers: ada.bearer,
      body: { password: TEST_PASSWORD },
    });
    const code = () => totpAt(fromBase32(begun.body.secret), stepAt(clock.now()));
    await call("POST", "/api/auth/totp/confirm", { headers: ada.bearer, body: { code: code() } });
    clock.advance(30_000);
    expect((await close()).body.code).toBe("AUTH_OTP_INVALID");
    expect((await close({ password: TEST_PASSWORD, code: "000000" })).body.code).toBe("AUTH_OTP_INVALID");
    expect((await close({ password: TEST_PASSWORD, code: code() })).status).toBe(200);
    expect(await accountIds()).toHaveLength(2);
  });

  it("waits until an organisation with others has another owner, who keeps it with its projects", async () => {
    const { ada, bob, close, addMember, db, clock, controlPlane } = await open();
    const { body } = await ada.call("POST", "/api/v1/organisations", { name: "Team" });
    const { id } = body.organisation;
    await ada.call("POST", "/api/v1/projects", { name: "ours", organisation: id });
    await addMember(id, bob.user.id, "developer");
    const refused = await close();
    expect([refused.status, refused.body.code]).toEqual([409, "CONFLICT"]);
    expect(refused.body.message).toContain("'Team'");
    await db
      .updateTable("organisation_members")
      .set({ role: "owner" })
      .where("organisation_id", "=", id)
      .where("account_id", "=", bob.user.id)
      .execute();
    expect((await close()).status).toBe(200);
    clock.advance(30 * DAY_MS);
    await controlPlane.closing.deleteDue();
    expect((await db.selectFrom("projects").select(["owner_id", "suspended_at"]).execute()).at(0)).toEqual({
      owner_id: bob.user.id,
      suspended_at: null,
    });
    const members = db.selectFrom("organisation_members").select("account_id").where("organisation_id", "=", id);
    expect(await members.execute()).toEqual([{ account_id: bob.user.id }]);
  });

  it("makes nobody an owner unasked: an organisation whose last owner ends waits for an operator", async () => {
    const { call, ada, bob, createDeveloper, close, addMember, db, clock, controlPlane, readMail } = await open();
    const operator = await createDeveloper("operator@example.com");
    await db.updateTable("accounts").set({ is_admin: 1 }).where("id", "=", operator.user.id).execute();
    const { body } = await ada.call("POST", "/api/v1/organisations", { name: "Team" });
    const { id } = body.organisation;
    await ada.call("POST", "/api/v1/projects", { name: "ours", organisation: id });
    const eve = await createDeveloper("eve@example.com");
    await addMember(id, bob.user.id, "owner");
    await addMember(id, eve.user.id, "developer");
    expect((await close()).status).toBe(200);
    // The other owner leaves while the first one's account is at rest.
    expect((await bob.call("POST", `/api/v1/organisations/${id}/leave`)).status).toBe(200);
    clock.advance(30 * DAY_MS);
    await controlPlane.closing.deleteDue();
    const roles = () =>
      db.selectFrom("organisation_members").select(["account_id", "role"]).where("organisation_id", "=", id).execute();
    expect(await roles()).toEqual([{ account_id: eve.user.id, role: "developer" }]);
    expect((await eve.call("GET", `/api/v1/projects?organisation=${id}`)).body.projects).toHaveLength(1);
    expect((await eve.call("DELETE", `/api/v1/organisations/${id}`)).status).toBe(403);
    const told = (await readMail("operator@example.com")).find(({ kind }) => kind === "organisation-without-owner");
    expect(told?.text).toContain("Team");

    const path = "/api/v1/admin/organisations/ownerless";
    const asOperator = { headers: { "x-api-key": operator.accountKey } };
    expect((await call("GET", path, asOperator)).body.organisations).toMatchObject([{ id, name: "Team" }]);
    const appoint = (member: string, organisation = id) =>
      call("POST", `${path}/${organisation}/owner`, { ...asOperator, body: { member } });
    expect((await eve.call("GET", path)).status).toBe(403);
    expect((await eve.call("POST", `${path}/${id}/owner`, { member: eve.user.id })).status).toBe(403);
    expect([(await appoint(bob.user.id)).status, (await appoint(eve.user.id, "org_none")).status]).toEqual([404, 404]);
    expect((await appoint(eve.user.id)).status).toBe(200);
    expect(await roles()).toEqual([{ account_id: eve.user.id, role: "owner" }]);
    expect((await appoint(eve.user.id)).status).toBe(409);
    expect((await call("GET", path, asOperator)).body.organisations).toEqual([]);
    const audit = db.withTables<{ audit_entries: { action: string; organisation_id: string | null } }>();
    const entries = await audit
      .selectFrom("audit_entries")
      .select("action")
      .where("organisation_id", "=", id)
      .execute();
    expect(entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["organisation.left_without_owner", "ownership.appointed"]),
    );
  });

  it("is refused to the only account with the admin right", async () => {
    const { db, ada, close } = await open();
    await db.updateTable("accounts").set({ is_admin: 1 }).where("id", "=", ada.user.id).execute();
    expect((await close()).body.message).toContain("admin right");
  });

  it("finds accounts of before open: the migration closes none", async () => {
    const database = await openDatabase();
    const test = await createTestApp(database);
    await test.createDeveloper(EMAIL);
    await test.controlPlane.closing.deleteDue();
    const { db } = database.withTables<AccountTables>();
    expect(await db.selectFrom("accounts").select("closed_at").execute()).toEqual([{ closed_at: null }]);
  });
});
