import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { createPasswordHasher } from "../kernel/crypto/password-hash.ts";
import { createMemoryLimiter } from "../kernel/limiter/memory-limiter.ts";
import { createTestApp, TEST_PASSWORD, TEST_START_MS } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { createAccountService } from "./service.ts";
import type { Sessions } from "./sessions.ts";

const MINUTE_MS = 60_000;

describeEachControlDatabase("accounts", (openDatabase) => {
  const open = async (options = {}) => await createTestApp(await openDatabase(), options);

  it("registers, logs in and tells who is logged in, whatever the case of the address", async () => {
    const { call } = await open();
    const registered = await call("POST", "/api/auth/register", {
      body: { email: "  Ada@Example.com ", password: TEST_PASSWORD, name: "Ada", ageConfirmed: true },
    });
    expect(registered.status).toBe(201);
    expect(registered.body.user).toMatchObject({ email: "ada@example.com", name: "Ada", isAdmin: false });
    const login = await call("POST", "/api/auth/login", {
      body: { email: "ADA@example.com", password: TEST_PASSWORD },
    });
    expect(login.status).toBe(200);
    expect(Object.keys(login.body).sort()).toEqual(["expiresAt", "refreshToken", "token", "user"]);
    const me = await call("GET", "/api/auth/me", { headers: { authorization: `Bearer ${login.body.token}` } });
    expect(me.body.user.id).toBe(registered.body.user.id);
  });

  it("refuses a second account with the same address", async () => {
    const { call } = await open();
    const body = { email: "ada@example.com", password: TEST_PASSWORD, ageConfirmed: true };
    await call("POST", "/api/auth/register", { body });
    const second = await call("POST", "/api/auth/register", { body: { ...body, email: "ADA@example.com" } });
    expect(second).toMatchObject({ status: 409, body: { code: "AUTH_USER_EXISTS" } });
  });

  it.each([
    ["Short1", "at least 8 characters"],
    ["alllower1", "an upper-case letter"],
    ["ALLUPPER1", "a lower-case letter"],
    ["NoDigitsHere", "a digit"],
  ])("refuses the password %s and says that it needs %s", async (password, missing) => {
    const { call } = await open();
    const answer = await call("POST", "/api/auth/register", {
      body: { email: "a@example.com", password, ageConfirmed: true },
    });
    expect(answer).toMatchObject({ status: 400, body: { code: "AUTH_PASSWORD_WEAK" } });
    expect(answer.body.message).toContain(missing);
  });

  it("answers a wrong password and an unknown address alike", async () => {
    const { call } = await open();
    await call("POST", "/api/auth/register", {
      body: { email: "ada@example.com", password: TEST_PASSWORD, ageConfirmed: true },
    });
    const wrong = await call("POST", "/api/auth/login", { body: { email: "ada@example.com", password: "Wrong-1234" } });
    const unknown = await call("POST", "/api/auth/login", {
      body: { email: "bob@example.com", password: "Wrong-1234" },
    });
    expect(wrong.status).toBe(401);
    const { requestId: _first, ...wrongBody } = wrong.body;
    const { requestId: _second, ...unknownBody } = unknown.body;
    expect(wrongBody).toEqual(unknownBody);
    expect(wrongBody.code).toBe("AUTH_INVALID_CREDENTIALS");
  });

  it("refuses passwords that are used most or of the person's own name or address, at sign-up, change and reset", async () => {
    const { call, createDeveloper, readMail } = await open();
    const register = (password: string, name: string) =>
      call("POST", "/api/auth/register", {
        body: { email: "charles.babbage@example.com", password, name, ageConfirmed: true },
      });
    for (const [password, reason] of [
      ["Password123!", "used most"],
      ["Babbage-1791", "hardly more than"],
      ["Aerostack-2026", "hardly more than"],
    ] as const) {
      const { status, body } = await register(password, "Charles");
      expect([status, body.code], password).toEqual([400, "AUTH_PASSWORD_WEAK"]);
      expect(body.details.fieldErrors.password[0]).toContain(reason);
    }
    const ada = await createDeveloper("ada@example.com");
    const changed = await call("POST", "/api/auth/password/change", {
      headers: ada.bearer,
      body: { currentPassword: TEST_PASSWORD, newPassword: "Password123" },
    });
    expect([changed.status, changed.body.code]).toEqual([400, "AUTH_PASSWORD_WEAK"]);
    await call("POST", "/api/auth/password/forgot", { body: { email: ada.email } });
    const mail = (await readMail(ada.email)).find(({ kind }) => kind === "reset-password")?.text ?? "";
    const token = /reset-password#token=(\w+)/.exec(mail)?.[1];
    const reset = (newPassword: string) => call("POST", "/api/auth/password/reset", { body: { token, newPassword } });
    expect((await reset("Password123")).body.code).toBe("AUTH_PASSWORD_WEAK");
    // The link stays good.
    expect((await reset("Another-Horse-8")).status).toBe(200);
  });

  it("takes a password of 200 characters, and looks at every one of them", async () => {
    const { call } = await open();
    const password = `Correct-Horse-7${"x".repeat(184)}!`;
    expect(password).toHaveLength(200);
    const email = "long@example.com";
    const body = { email, password, ageConfirmed: true };
    expect((await call("POST", "/api/auth/register", { body })).status).toBe(201);
    const logIn = (sent: string) => call("POST", "/api/auth/login", { body: { email, password: sent } });
    expect((await logIn(password)).status).toBe(200);
    expect((await logIn(`${password.slice(0, -1)}?`)).status).toBe(401);
    expect((await logIn(password.slice(0, 72))).status).toBe(401);
  });

  it("hashes as much for an unknown address as for a wrong password, so that time does not tell them apart", async () => {
    const sql = await openDatabase();
    const { createDeveloper } = await createTestApp(sql);
    await createDeveloper("ada@example.com");
    const clock = createManualClock(TEST_START_MS);
    const hasher = createPasswordHasher(1_000);
    const derivations: string[] = [];
    const accounts = createAccountService({
      sql,
      clock,
      limiter: createMemoryLimiter({ clock }),
      sessions: {} as Sessions,
      logInAs: () => Promise.reject(new Error("nobody gets that far")),
      signUp: "open",
      requireStrongPassword: async () => {},
      humanCheck: { requireAtSignUp: async () => {}, requireAtLogIn: async () => {} },
      knownNetworks: { originOf: async () => ({ network: null, known: [] }) },
      onFailure: () => {},
      onCreated: () => {},
      hasher: {
        ...hasher,
        verify: (password, stored) => {
          derivations.push(`verify ${password}`);
          return hasher.verify(password, stored);
        },
        pretend: (password) => {
          derivations.push(`pretend ${password}`);
          return hasher.pretend(password);
        },
      },
    });
    await expect(accounts.login({ email: "ada@example.com", password: "Wrong-1" }, "::1")).rejects.toThrow("is wrong");
    await expect(accounts.login({ email: "bob@example.com", password: "Wrong-2" }, "::1")).rejects.toThrow("is wrong");
    expect(derivations).toEqual(["verify Wrong-1", "pretend Wrong-2"]);
  });

  it("P30 gives access tokens of 15 minutes", async () => {
    const { clock, call, createDeveloper } = await open();
    const ada = await createDeveloper("ada@example.com");
    clock.advance(15 * MINUTE_MS - 2_000);
    expect((await call("GET", "/api/auth/me", { headers: ada.bearer })).status).toBe(200);
    clock.advance(3_000);
    expect((await call("GET", "/api/auth/me", { headers: ada.bearer })).status).toBe(401);
  });

  it("P30 rotates refresh tokens, and ends the session when an old one is used again", async () => {
    const { clock, call, createDeveloper } = await open();
    const ada = await createDeveloper("ada@example.com");
    const refresh = (refreshToken: string) => call("POST", "/api/auth/refresh", { body: { refreshToken } });
    clock.advance(MINUTE_MS);
    const second = await refresh(ada.refreshToken);
    expect(second.status).toBe(200);
    expect(second.body.refreshToken).not.toBe(ada.refreshToken);
    const bearer = { authorization: `Bearer ${second.body.token}` };
    expect((await call("GET", "/api/auth/me", { headers: bearer })).status).toBe(200);

    expect((await refresh(ada.refreshToken)).status).toBe(401);
    expect((await refresh(second.body.refreshToken)).status).toBe(401);
    expect((await call("GET", "/api/auth/me", { headers: bearer })).status).toBe(401);
  });

  it("lets one of two simultaneous uses of a refresh token win at most", async () => {
    const { call, createDeveloper } = await open();
    const ada = await createDeveloper("ada@example.com");
    const uses = await Promise.all(
      [1, 2].map(() => call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } })),
    );
    expect(uses.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  it("ends a refresh token after 30 days", async () => {
    const { clock, call, createDeveloper } = await open();
    const ada = await createDeveloper("ada@example.com");
    clock.advance(30 * 24 * 60 * MINUTE_MS + 1);
    const answer = await call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    expect(answer).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_EXPIRED" } });
  });

  it("ends the session at log-out, access token included", async () => {
    const { call, createDeveloper } = await open();
    const ada = await createDeveloper("ada@example.com");
    expect((await call("POST", "/api/auth/logout", { headers: ada.bearer, body: {} })).body).toEqual({ success: true });
    expect((await call("GET", "/api/auth/me", { headers: ada.bearer })).status).toBe(401);
    const refreshed = await call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    expect(refreshed.status).toBe(401);
  });

  it("refuses tokens signed with another key, without signature, or for another server", async () => {
    const other = await open({ issuer: "http://elsewhere.test" });
    const { call } = await open();
    const stranger = await other.createDeveloper("eve@example.com");
    const [, payload] = stranger.bearer.authorization.slice(7).split(".");
    const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url")}.${payload}.`;
    for (const authorization of [stranger.bearer.authorization, `Bearer ${unsigned}`]) {
      expect((await call("GET", "/api/auth/me", { headers: { authorization } })).status).toBe(401);
    }
  });

  it("limits log-ins to five in 15 minutes for one address of mail, exactly, with Retry-After", async () => {
    const { call, clock, createDeveloper } = await open();
    await createDeveloper("ada@example.com");
    const login = () =>
      call("POST", "/api/auth/login", { body: { email: "ada@example.com", password: TEST_PASSWORD } });
    for (let attempt = 0; attempt < 5; attempt++) expect((await login()).status).toBe(200);
    const refused = await login();
    expect(refused).toMatchObject({ status: 429, body: { code: "RATE_LIMIT_EXCEEDED" } });
    const waitSeconds = Number(refused.headers.get("retry-after"));
    expect(waitSeconds).toBeGreaterThan(14 * 60);
    clock.advance(waitSeconds * 1_000);
    expect((await login()).status).toBe(200);
  });

  it("limits log-ins to ten and registrations to five a minute from one address", async () => {
    const { call } = await open();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 11; attempt++) {
      const body = { email: `user${attempt}@example.com`, password: "Wrong-1234" };
      statuses.push((await call("POST", "/api/auth/login", { body })).status);
    }
    expect(statuses).toEqual([...Array(10).fill(401), 429]);
    const registrations: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const body = { email: `user${attempt}@example.com`, password: TEST_PASSWORD, ageConfirmed: true };
      registrations.push((await call("POST", "/api/auth/register", { body })).status);
    }
    expect(registrations).toEqual([...Array(5).fill(201), 429]);
  });

  it("takes no new accounts where sign-up is closed", async () => {
    const { call } = await open({ signUp: "closed" });
    const answer = await call("POST", "/api/auth/register", {
      body: { email: "a@example.com", password: TEST_PASSWORD, ageConfirmed: true },
    });
    expect(answer).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
  });

  it("P26 re-hashes a password at log-in when its stored parameters are older", async () => {
    const sql = await openDatabase();
    const before = await createTestApp(sql, { passwordIterations: 1_000 });
    await before.createDeveloper("ada@example.com");
    const after = await createTestApp(sql, { passwordIterations: 2_000 });
    const login = () =>
      after.call("POST", "/api/auth/login", { body: { email: "ada@example.com", password: TEST_PASSWORD } });
    expect((await login()).status).toBe(200);
    const { password_hash: hash } = await sql
      .withTables<{ accounts: { password_hash: string } }>()
      .db.selectFrom("accounts")
      .select("password_hash")
      .executeTakeFirstOrThrow();
    expect(hash).toMatch(/^pbkdf2-sha256\$2000\$/);
    expect((await login()).status).toBe(200);
  });

  it("P27 stores no key and no refresh token in clear text", async () => {
    const sql = await openDatabase();
    const { createDeveloper } = await createTestApp(sql);
    const ada = await createDeveloper("ada@example.com");
    const tables = sql.withTables<Record<"account_keys" | "refresh_tokens", Record<string, string>>>();
    const rows = [
      ...(await tables.db.selectFrom("account_keys").selectAll().execute()),
      ...(await tables.db.selectFrom("refresh_tokens").selectAll().execute()),
    ];
    const text = JSON.stringify(rows);
    expect(rows).toHaveLength(2);
    expect(text).not.toContain(ada.accountKey);
    expect(text).not.toContain(ada.refreshToken);
  });

  it("removes sessions whose tokens have all expired, and no others", async () => {
    const { clock, call, createDeveloper, controlPlane } = await open();
    await createDeveloper("old@example.com");
    clock.advance(31 * 24 * 60 * MINUTE_MS);
    const recent = await createDeveloper("new@example.com");
    await controlPlane.sessions.removeExpired();
    expect((await call("POST", "/api/auth/refresh", { body: { refreshToken: recent.refreshToken } })).status).toBe(200);
  });
});
