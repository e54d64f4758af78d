import { expect, it } from "vitest";
import { fromBase32 } from "../../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../../identity/totp/totp.ts";
import { hashToken } from "../../kernel/crypto/token-hash.ts";
import { createTestApp, TEST_PASSWORD, type TestAppOptions } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { AccountTables } from "../tables.ts";
import type { AccountFactorTables } from "./tables.ts";

const MINUTE_MS = 60_000;
const STEP_MS = 30_000;
const EMAIL = "ada@example.com";

describeEachControlDatabase("the second factor of accounts", (openDatabase) => {
  async function open(options: TestAppOptions = {}) {
    const sql = await openDatabase();
    const test = await createTestApp(sql, options);
    const { call, clock } = test;
    const ada = await test.createDeveloper(EMAIL);
    const me = (method: string, path: string, body?: unknown, headers: Record<string, string> = ada.bearer) =>
      call(method, `/api/auth/totp${path}`, { headers, ...(body === undefined ? {} : { body }) });
    /** How often a password is tried is limited; time passes between two log-ins. */
    const login = async (password = TEST_PASSWORD) => {
      clock.advance(4 * MINUTE_MS);
      return await call("POST", "/api/auth/login", { body: { email: EMAIL, password } });
    };
    const challenge = async () => (await login()).body.challengeToken as string;
    const finish = (challengeToken: string, factor: Record<string, unknown>) =>
      call("POST", "/api/auth/login/totp", { body: { challengeToken, ...factor } });
    /** An authenticator app that has read the secret. */
    const setUp = async (password = TEST_PASSWORD) => {
      const begun = await me("POST", "/begin", { password });
      const secret = fromBase32(begun.body.secret);
      const code = () => totpAt(secret, stepAt(clock.now()));
      const next = () => {
        clock.advance(STEP_MS);
        return code();
      };
      const confirmed = await me("POST", "/confirm", { code: code() });
      expect(confirmed.status).toBe(200);
      const recoveryCodes = confirmed.body.recoveryCodes as string[];
      return { secret: begun.body.secret as string, code, next, recoveryCodes };
    };
    /** Access tokens are short-lived and tests let time pass. */
    const renew = (session: { token: string }) => {
      ada.bearer.authorization = `Bearer ${session.token}`;
    };
    const wrong = (code: string) => (code === "000000" ? "000001" : "000000");
    const actions = async () => {
      const db = sql.withTables<{ audit_entries: { id: string; action: string; actor_id: string | null } }>().db;
      const rows = await db.selectFrom("audit_entries").select(["action", "actor_id"]).orderBy("id").execute();
      return rows.filter(({ action }) => action.startsWith("totp.")).map((row) => `${row.action} ${row.actor_id}`);
    };
    return {
      ...test,
      db: sql.withTables<AccountFactorTables & AccountTables>().db,
      ada,
      me,
      login,
      challenge,
      finish,
      setUp,
      renew,
      wrong,
      actions,
    };
  }

  it("is asked for at log-in once it is confirmed, and a code of it gives one session", async () => {
    const { call, me, login, finish, setUp, ada } = await open();
    const begun = await me("POST", "/begin", { password: TEST_PASSWORD });
    expect(begun.body.otpauthUrl).toContain("otpauth://totp/Aerostack%20(aerostack.test):ada%40example.com?");
    expect((await me("GET", "")).body).toEqual({ enabled: false, recoveryCodesLeft: 0 });
    expect((await login()).body.token).toEqual(expect.any(String));
    const app = await setUp();
    expect((await me("GET", "")).body).toEqual({ enabled: true, recoveryCodesLeft: 10 });
    const first = await login();
    expect(first).toMatchObject({ status: 200, body: { mfaRequired: true } });
    expect(Object.keys(first.body).sort()).toEqual(["challengeToken", "methods", "mfaRequired"]);
    expect(first.body.methods).toEqual(["totp", "recovery-code"]);
    const bearer = { authorization: `Bearer ${first.body.challengeToken}` };
    expect((await call("GET", "/api/auth/me", { headers: bearer })).status).toBe(401);
    const second = await finish(first.body.challengeToken, { code: app.next() });
    expect(second).toMatchObject({ status: 200, body: { user: { id: ada.user.id } } });
    const headers = { authorization: `Bearer ${second.body.token}` };
    expect((await call("GET", "/api/auth/me", { headers })).status).toBe(200);
    expect((await finish(first.body.challengeToken, { code: app.next() })).status).toBe(401);
  });

  it("takes no code twice, and a challenge for ten minutes", async () => {
    const { challenge, finish, setUp, clock } = await open();
    const app = await setUp();
    const [first, second] = [await challenge(), await challenge()];
    const code = app.next();
    expect((await finish(first, { code })).status).toBe(200);
    expect(await finish(second, { code })).toMatchObject({ status: 401, body: { code: "AUTH_OTP_INVALID" } });
    const late = await challenge();
    clock.advance(10 * MINUTE_MS);
    expect(await finish(late, { code: app.code() })).toMatchObject({
      status: 401,
      body: { code: "AUTH_TOKEN_INVALID" },
    });
    expect((await finish("am_x", { code: app.code() })).status).toBe(401);
    expect((await finish(await challenge(), {})).status).toBe(400);
  });

  it("P31 takes three wrong codes, then none for 60 minutes, whichever way they come", async () => {
    const { me, challenge, finish, setUp, wrong, clock } = await open();
    const app = await setUp();
    const token = await challenge();
    expect((await finish(token, { code: wrong(app.code()) })).status).toBe(401);
    expect((await finish(token, { recoveryCode: "aaaaa-aaaaa" })).status).toBe(401);
    expect((await me("POST", "/disable", { code: wrong(app.code()) })).status).toBe(401);
    expect((await finish(token, { code: app.next() })).status).toBe(429);
    expect((await finish(token, { recoveryCode: app.recoveryCodes[0] })).status).toBe(429);
    expect((await me("POST", "/recovery-codes", { code: app.code() })).status).toBe(429);
    expect((await me("POST", "/disable", { recoveryCode: app.recoveryCodes[0] })).status).toBe(429);
    clock.advance(60 * MINUTE_MS);
    expect((await finish(await challenge(), { code: app.next() })).status).toBe(200);
  });

  it("P31 judges three of 200 codes that come at once; of 200 right ones one opens a session", async () => {
    const { challenge, finish, setUp, wrong, clock } = await open();
    const app = await setUp();
    const many = (code: string, token: string) =>
      Promise.all(Array.from({ length: 200 }, () => finish(token, { code })));
    const answers = await many(wrong(app.code()), await challenge());
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(197);
    clock.advance(60 * MINUTE_MS);
    const token = await challenge();
    const right = await many(app.next(), token);
    expect(right.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("P31 whoever knows the password and guesses codes elsewhere does not keep the owner out at home", async () => {
    const { call, setUp, wrong, clock, db } = await open({ trustProxy: ["true"] });
    const app = await setUp();
    const from = async (ip: string, code: () => string) => {
      clock.advance(4 * MINUTE_MS);
      const headers = { "x-forwarded-for": ip };
      const body = { email: EMAIL, password: TEST_PASSWORD };
      const { challengeToken } = (await call("POST", "/api/auth/login", { body, headers })).body;
      return (await call("POST", "/api/auth/login/totp", { body: { challengeToken, code: code() }, headers })).status;
    };
    expect(await from("192.0.2.7", app.next)).toBe(200);
    for (let i = 0; i < 3; i++) expect(await from("198.51.100.1", () => wrong(app.code()))).toBe(401);
    expect(await from("203.0.113.5", app.next)).toBe(429);
    expect(await from("192.0.2.200", app.next)).toBe(200);
    for (let i = 0; i < 3; i++) expect(await from("192.0.2.7", () => wrong(app.code()))).toBe(401);
    expect(await from("192.0.2.7", app.next)).toBe(429);
    const networks = await db.selectFrom("account_known_networks").selectAll().execute();
    expect(JSON.stringify(networks)).not.toContain("192.0.2");
  });

  it("is replaced by a recovery code, each once; new ones make the old void", async () => {
    const { me, challenge, finish, setUp, renew } = await open();
    const app = await setUp();
    const [first = "", second = ""] = app.recoveryCodes;
    expect(app.recoveryCodes).toHaveLength(10);
    const session = await finish(await challenge(), { recoveryCode: ` ${first.toUpperCase().replace("-", " ")} ` });
    expect(session.status).toBe(200);
    renew(session.body);
    expect((await finish(await challenge(), { recoveryCode: first })).status).toBe(401);
    expect((await me("GET", "")).body.recoveryCodesLeft).toBe(9);
    const renewed = await me("POST", "/recovery-codes", { code: app.next() });
    expect(renewed.body.recoveryCodes).toHaveLength(10);
    expect((await finish(await challenge(), { recoveryCode: second })).status).toBe(401);
    expect((await finish(await challenge(), { recoveryCode: renewed.body.recoveryCodes[0] })).status).toBe(200);
  });

  it("is changed by a person with a code, never by a key, nor by who only has a session", async () => {
    const { ada, me, login, setUp, wrong } = await open();
    const app = await setUp();
    const key = { "x-api-key": ada.accountKey };
    expect((await me("POST", "/begin", undefined, key)).status).toBe(403);
    expect((await me("POST", "/disable", { code: app.next() }, key)).status).toBe(403);
    expect((await me("POST", "/recovery-codes", { code: app.code() }, key)).status).toBe(403);
    expect((await me("POST", "/begin", { password: TEST_PASSWORD })).status).toBe(409);
    expect((await me("POST", "/confirm", { code: app.code() })).status).toBe(409);
    expect((await me("POST", "/disable", { code: wrong(app.code()) })).status).toBe(401);
    expect((await me("POST", "/disable", {})).status).toBe(400);
    expect((await me("POST", "/disable", { code: app.next() }, {})).status).toBe(401);
    expect((await me("POST", "/disable", { code: app.code() })).body).toEqual({ success: true });
    expect((await me("GET", "")).body).toEqual({ enabled: false, recoveryCodesLeft: 0 });
    expect((await me("POST", "/disable", { code: app.next() })).status).toBe(409);
    expect((await login()).body.token).toEqual(expect.any(String));
  });

  it("is written to the audit log and told to the owner", async () => {
    const { ada, me, challenge, finish, setUp, renew, readMail, actions } = await open();
    const app = await setUp();
    renew((await finish(await challenge(), { recoveryCode: app.recoveryCodes[0] })).body);
    await me("POST", "/recovery-codes", { code: app.next() });
    await me("POST", "/disable", { code: app.next() });
    const changes = ["enabled", "recovery_code_used", "recovery_codes_renewed", "disabled"];
    expect(await actions()).toEqual(changes.map((change) => `totp.${change} ${ada.user.id}`));
    expect((await readMail(EMAIL)).map(({ kind }) => kind)).toEqual(["second-factor-on", "second-factor-off"]);
  });

  it("is not reached with a password that was changed meanwhile", async () => {
    const { ada, call, challenge, finish, setUp } = await open();
    const app = await setUp();
    const token = await challenge();
    const body = { currentPassword: TEST_PASSWORD, newPassword: "Another-Horse-8" };
    expect((await call("POST", "/api/auth/password/change", { body, headers: ada.bearer })).status).toBe(200);
    expect(await finish(token, { code: app.next() })).toMatchObject({ body: { code: "AUTH_TOKEN_INVALID" } });
  });

  it("of whoever registered an address of somebody else does not keep its owner out; the owner's own one stays", async () => {
    const { ada, call, readMail, login, setUp } = await open();
    const reset = async (newPassword: string) => {
      await call("POST", "/api/auth/password/forgot", { body: { email: EMAIL } });
      const mail = (await readMail(EMAIL)).findLast(({ kind }) => kind === "reset-password");
      const token = /token=(\w+)/.exec(mail?.text ?? "")?.[1];
      expect((await call("POST", "/api/auth/password/reset", { body: { token, newPassword } })).status).toBe(200);
    };
    await setUp();
    await reset("Another-Horse-8");
    const owner = await login("Another-Horse-8");
    expect(owner.body.token).toEqual(expect.any(String));
    ada.bearer.authorization = `Bearer ${owner.body.token}`;
    await setUp("Another-Horse-8");
    await reset("Another-Horse-9");
    expect((await login("Another-Horse-9")).body).toMatchObject({ mfaRequired: true });
  });

  it("P27 keeps the secret sealed, challenges as SHA-256, and recovery codes as HMAC under a key that is not in the database", async () => {
    const { ada, db, challenge, setUp } = await open();
    const app = await setUp();
    const token = await challenge();
    const rows = JSON.stringify([
      await db.selectFrom("account_totp").selectAll().execute(),
      await db.selectFrom("account_recovery_codes").selectAll().execute(),
      await db.selectFrom("account_tokens").selectAll().execute(),
    ]);
    const secret = fromBase32(app.secret).toString("base64url");
    for (const text of [app.secret, secret, token, ...app.recoveryCodes]) expect(rows).not.toContain(text);
    for (const code of app.recoveryCodes) {
      expect(rows).not.toContain(hashToken(`${ada.user.id}:${code.replace("-", "")}`));
    }
    expect(rows.match(/"hash":"[0-9a-f]{64}"/g)).toHaveLength(11);
  });
});
