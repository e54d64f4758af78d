import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sql as raw } from "kysely";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fromBase32 } from "../../../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../../../identity/totp/totp.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import { TEST_PASSWORD, type TestAppOptions } from "../../../testing.ts";
import { describeEachControlDatabase } from "../../../testing-database.ts";
import type { AccountTables } from "../../tables.ts";
import type { WayInTables } from "../tables.ts";
import { createProviderTest, TEST_ORIGIN } from "./testing.ts";

const MINUTE_MS = 60_000;
const AGE = { ageConfirmed: "true" };

const cleanups: (() => Promise<void>)[] = [];
beforeEach(() => {
  // The provider says at each start that its defaults are not for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Every row of every table, as one text. */
async function dump({ db }: Sql<unknown>, dialect: "sqlite" | "postgres"): Promise<string> {
  const listed =
    dialect === "sqlite"
      ? raw<{ name: string }>`select name from sqlite_master where type = 'table'`
      : raw<{
          name: string;
        }>`select table_name as name from information_schema.tables where table_schema = current_schema()`;
  const { rows: tables } = await listed.execute(db);
  const contents = tables.map(({ name }) => raw`select * from ${raw.table(name)}`.execute(db));
  return JSON.stringify((await Promise.all(contents)).map(({ rows }) => rows)).toLowerCase();
}

describeEachControlDatabase("log-in of accounts through another provider", (openDatabase, dialect) => {
  async function open(options: TestAppOptions = {}) {
    const sql = await openDatabase();
    const test = await createProviderTest(sql, options);
    cleanups.push(test.provider.close);
    const bearerOf = (session: { token: string }) => ({ authorization: `Bearer ${session.token}` });
    const mailTo = async (to: string) => (await test.readMail(to)).map(({ text }) => text).join();
    return { ...test, mailTo, sql, db: sql.withTables<AccountTables & WayInTables>().db, bearerOf };
  }

  it("makes an account for who is new, knows it again, and writes both down", async () => {
    const { openTab, call, db, bearerOf } = await open();
    const first = await openTab().logIn(AGE);
    expect(first).toMatchObject({
      status: 200,
      body: { user: { email: "ada@example.com", name: "Ada", emailVerified: true, isAdmin: false } },
    });
    const again = await openTab().logIn();
    expect(again.body.user.id).toBe(first.body.user.id);
    const headers = bearerOf(again.body);
    expect((await call("GET", "/api/auth/me", { headers })).body.user.id).toBe(first.body.user.id);
    expect((await call("GET", "/api/auth/identities", { headers })).body.identities).toMatchObject([
      { provider: "oidc", email: "ada@example.com", lastUsedAt: expect.any(String) },
    ]);
    const entries = db.withTables<{ audit_entries: { action: string; target_id: string } }>();
    const rows = await entries.selectFrom("audit_entries").select(["action", "target_id"]).execute();
    expect(rows).toContainEqual({ action: "account.created", target_id: first.body.user.id });
    // No password opens it, and none does by chance.
    for (const password of [TEST_PASSWORD, "", "$"]) {
      const answer = await call("POST", "/api/auth/login", { body: { email: "ada@example.com", password } });
      expect(answer.status).not.toBe(200);
    }
  });

  it("P1 keeps name and e-mail address, and no token of the provider", async () => {
    const { openTab, sql, logLines } = await open();
    const tab = openTab();
    const returned = await tab.browse(await tab.leave(AGE));
    const providersCode = returned.searchParams.get("code") ?? "";
    const answer = await tab.comeBack(returned);
    const fragment = new URLSearchParams(new URL(answer.headers.get("location") ?? "").hash.slice(1));
    expect((await tab.redeem(fragment.get("code") ?? "")).status).toBe(200);
    const kept = `${await dump(sql, dialect)}${logLines.join("").toLowerCase()}`;
    expect(kept).toContain("ada@example.com");
    for (const trace of [providersCode, "access_token", "id_token", "eyj"])
      expect(kept).not.toContain(trace.toLowerCase());
    const { rows } = await raw<Record<string, unknown>>`select * from account_identities`.execute(sql.db);
    expect(Object.keys(rows[0] ?? {}).sort()).toEqual([
      "account_id",
      "created_at",
      "email",
      "last_used_at",
      "provider",
      "subject_hash",
    ]);
  });

  it("P42 asks who has no account for the age, and of who is too young learns and keeps nothing", async () => {
    const { openTab, sql } = await open();
    expect(await openTab().travel()).toMatchObject({ error: "AUTH_AGE_UNKNOWN" });
    const young = await openTab().leave({ ageConfirmed: "false" });
    expect(young.status).toBe(403);
    expect(young.headers.get("location")).toBeNull();
    expect(young.headers.get("set-cookie")).toBeNull();
    expect(await dump(sql, dialect)).not.toContain("ada@example.com");
  });

  it("never takes over the account of an e-mail address: it is connected by who is logged in to it", async () => {
    const { openTab, createDeveloper, call, db, readMail } = await open();
    const ada = await createDeveloper("ada@example.com");
    expect(await openTab().travel(AGE)).toMatchObject({ error: "AUTH_USER_EXISTS" });
    expect(await db.selectFrom("account_identities").selectAll().execute()).toEqual([]);
    expect(await openTab().connect(ada.bearer)).toMatchObject({
      status: 201,
      body: { identity: { provider: "oidc" } },
    });
    expect((await openTab().logIn()).body.user.id).toBe(ada.user.id);
    expect((await readMail("ada@example.com")).map(({ subject }) => subject).join()).toContain("Company");
    const password = await call("POST", "/api/auth/login", { body: { email: ada.email, password: TEST_PASSWORD } });
    expect(password.status).toBe(200);
  });

  it("makes no account of an address that the provider has not confirmed, or of none", async () => {
    const { openTab, state, sql } = await open();
    state.account = { sub: "2", email: "eve@example.com", email_verified: false };
    expect(await openTab().travel(AGE)).toMatchObject({ error: "AUTH_EMAIL_NOT_VERIFIED" });
    state.account = { sub: "3" };
    expect(await openTab().travel(AGE)).toMatchObject({ error: "AUTH_EMAIL_NOT_VERIFIED" });
    expect(await dump(sql, dialect)).not.toContain("eve@");
  });

  it("makes no account where sign-up is closed, but lets in who has one", async () => {
    const { openTab, anotherServer, createDeveloper } = await open();
    const { app } = await anotherServer({ signUp: "closed" });
    expect(await openTab(app).travel(AGE)).toMatchObject({ error: "FORBIDDEN" });
    const bob = await createDeveloper("bob@example.com");
    expect((await openTab().connect(bob.bearer)).status).toBe(201);
    expect((await openTab(app).logIn()).body.user.id).toBe(bob.user.id);
  });

  it("asks for the second factor where the account has one", async () => {
    const { openTab, call, clock, bearerOf } = await open();
    const { body: session } = await openTab().logIn(AGE);
    const headers = bearerOf(session);
    const begun = await call("POST", "/api/auth/totp/begin", { headers });
    const secret = fromBase32(begun.body.secret);
    const code = () => totpAt(secret, stepAt(clock.now()));
    expect((await call("POST", "/api/auth/totp/confirm", { headers, body: { code: code() } })).status).toBe(200);
    const { body: first } = await openTab().logIn();
    expect(Object.keys(first).sort()).toEqual(["challengeToken", "methods", "mfaRequired"]);
    clock.advance(MINUTE_MS);
    const body = { challengeToken: first.challengeToken, code: code() };
    expect((await call("POST", "/api/auth/login/totp", { body })).body.user.id).toBe(session.user.id);
  });

  it("takes the callback at any server, once, in the browser that set out", async () => {
    const { openTab, anotherServer, clock } = await open();
    const other = await anotherServer();
    const tab = openTab();
    const returned = await tab.browse(await tab.leave(AGE));
    expect((await tab.comeBack(returned, "")).status).toBe(401);
    expect((await tab.comeBack(returned, "aerostack_log_in_x=y")).status).toBe(401);
    const answer = await tab.comeBack(returned, undefined, other.app);
    expect(answer.status).toBe(302);
    expect((await tab.comeBack(returned)).status).toBe(401);
    const code = new URLSearchParams(new URL(answer.headers.get("location") ?? "").hash.slice(1)).get("code") ?? "";
    const both = await Promise.all([tab.redeem(code), tab.redeem(code)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    const late = openTab();
    const lateCode = (await late.travel()).code;
    clock.advance(2 * MINUTE_MS);
    expect((await late.redeem(lateCode)).status).toBe(401);
    const slow = openTab();
    const slowReturn = await slow.browse(await slow.leave());
    clock.advance(10 * MINUTE_MS);
    expect((await slow.comeBack(slowReturn)).status).toBe(401);
  });

  it("gives tokens to the page that set out alone, and a code to connect opens nothing", async () => {
    const { openTab, createDeveloper, call } = await open();
    const stolen = (await openTab().travel(AGE)).code;
    expect(await openTab().redeem(stolen)).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID" } });
    const connecting = openTab();
    const { code: toConnect } = await connecting.travel({ intent: "connect" });
    expect((await connecting.redeem(toConnect)).status).toBe(401);
    const tab = openTab();
    const { code: toLogIn } = await tab.travel(AGE);
    const ada = await createDeveloper("ada@example.com");
    const body = { code: toLogIn, codeVerifier: tab.codeVerifier };
    expect((await call("POST", "/api/auth/identities", { headers: ada.bearer, body })).status).toBe(401);
    const another = openTab();
    const fresh = { code: (await another.travel({ intent: "connect" })).code, codeVerifier: another.codeVerifier };
    expect((await call("POST", "/api/auth/identities", { body: fresh })).status).toBe(401);
    const byKey = { headers: { "x-api-key": ada.accountKey }, body: fresh };
    expect((await call("POST", "/api/auth/identities", byKey)).status).toBe(403);
  });

  it("sends the browser to the installation's own pages only, and tells them no more than what went wrong", async () => {
    const { openTab, state } = await open();
    for (const page of ["https://evil.example/", "//evil.example", "/f/shop", "__proto__", "toString", ""]) {
      expect((await openTab().leave({ page })).status, page).toBe(400);
    }
    expect((await openTab().leave({}, "github")).status).toBe(404);
    expect((await openTab().leave({}, "__proto__")).status).toBe(404);
    expect((await openTab().leave({ codeChallenge: "" })).status).toBe(400);
    const { location } = await openTab().travel(AGE);
    expect(`${location.origin}${location.pathname}${location.search}`).toBe(`${TEST_ORIGIN}/device`);
    state.refuses = true;
    const refused = await openTab().travel();
    expect(refused).toMatchObject({ error: "access_denied", provider: "oidc" });
    expect(refused.location.href).not.toContain("script");
  });

  it("connects an identity to one account, and an account to one identity of a provider", async () => {
    const { openTab, createDeveloper, call, state } = await open();
    const ada = await createDeveloper("ada@example.com");
    const bob = await createDeveloper("bob@example.com");
    expect((await openTab().connect(ada.bearer)).status).toBe(201);
    expect((await openTab().connect(ada.bearer)).status).toBe(201);
    expect(await openTab().connect(bob.bearer)).toMatchObject({ status: 409, body: { code: "AUTH_USER_EXISTS" } });
    state.account = { sub: "9", email: "ada@example.com", email_verified: true };
    expect(await openTab().connect(ada.bearer)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    const list = (who: typeof ada) => call("GET", "/api/auth/identities", { headers: who.bearer });
    expect((await list(ada)).body.identities).toHaveLength(1);
    expect((await list(bob)).body.identities).toEqual([]);
    const remove = (who: typeof ada) => call("DELETE", "/api/auth/identities/oidc", { headers: who.bearer });
    expect((await remove(bob)).status).toBe(404);
    expect((await remove(ada)).status).toBe(200);
    expect((await remove(ada)).status).toBe(404);
    expect(await openTab().travel(AGE)).toMatchObject({ error: "AUTH_USER_EXISTS" });
  });

  it("does not disconnect the last way in", async () => {
    const { openTab, call, bearerOf, mailTo } = await open();
    const { body: session } = await openTab().logIn(AGE);
    const remove = (headers: Record<string, string>) => call("DELETE", "/api/auth/identities/oidc", { headers });
    expect(await remove(bearerOf(session))).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect((await openTab().logIn()).status).toBe(200);
    await call("POST", "/api/auth/password/forgot", { body: { email: "ada@example.com" } });
    const [, token = ""] = /reset-password#token=(\w+)/.exec(await mailTo("ada@example.com")) ?? [];
    const reset = { token, newPassword: TEST_PASSWORD };
    expect((await call("POST", "/api/auth/password/reset", { body: reset })).status).toBe(200);
    const { body: byPassword } = await call("POST", "/api/auth/login", {
      body: { email: "ada@example.com", password: TEST_PASSWORD },
    });
    expect((await remove(bearerOf(byPassword))).status).toBe(200);
  });

  it("leaves no identity of whoever registered an address of somebody else", async () => {
    const { openTab, createDeveloper, call, mailTo, state } = await open();
    const thief = await createDeveloper("ada@example.com");
    state.account = { sub: "thief", email: "thief@example.com", email_verified: true };
    expect((await openTab().connect(thief.bearer)).status).toBe(201);
    await call("POST", "/api/auth/password/forgot", { body: { email: "ada@example.com" } });
    const [, token = ""] = /reset-password#token=(\w+)/.exec(await mailTo("ada@example.com")) ?? [];
    const reset = { token, newPassword: "Another-Horse-8" };
    expect((await call("POST", "/api/auth/password/reset", { body: reset })).status).toBe(200);
    expect(await openTab().travel()).toMatchObject({ error: "AUTH_AGE_UNKNOWN" });
  });

  it("logs in by GitHub with its confirmed main address", async () => {
    const asked: string[] = [];
    const github = createServer((req, res) => {
      req.resume().on("end", () => {
        asked.push(`${req.method} ${req.url}`);
        const answers: Record<string, unknown> = {
          "/login/oauth/access_token": { access_token: "gho_1", token_type: "bearer", scope: "user:email" },
          "/user": { id: 42, login: "ada", name: null },
          "/user/emails": [
            { email: "old@example.com", primary: false, verified: true },
            { email: "not-hers@example.com", primary: true, verified: false },
          ],
        };
        res.setHeader("content-type", "application/json");
        res.end(JSON.stringify(answers[req.url ?? ""] ?? {}));
      });
    });
    await new Promise<void>((resolve) => github.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => github.close(() => resolve())));
    const base = `http://127.0.0.1:${(github.address() as AddressInfo).port}`;
    const settings = { type: "github" as const, clientId: "gh", clientSecret: "gh secret", web: base, api: base };
    const { openTab, call, sql } = await open({ logInProviders: [settings] });
    expect((await call("GET", "/api/auth/providers")).body).toEqual({ providers: [{ id: "github", name: "GitHub" }] });
    const tab = openTab();
    const url = new URL((await tab.leave(AGE, "github")).headers.get("location") ?? "");
    const returned = new URL(url.searchParams.get("redirect_uri") ?? "");
    expect(returned.href).toBe(`${TEST_ORIGIN}/api/auth/oauth/github/callback`);
    returned.searchParams.set("code", "c1");
    returned.searchParams.set("state", url.searchParams.get("state") ?? "");
    const answer = await tab.comeBack(returned);
    const fragment = new URLSearchParams(new URL(answer.headers.get("location") ?? "").hash.slice(1));
    const { body } = await tab.redeem(fragment.get("code") ?? "");
    expect(body.user).toMatchObject({ email: "old@example.com", emailVerified: true, name: "ada" });
    expect(asked).toEqual(["POST /login/oauth/access_token", "GET /user", "GET /user/emails"]);
    expect(await dump(sql, dialect)).not.toContain("gho_1");
  });
});
