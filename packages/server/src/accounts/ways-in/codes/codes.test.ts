import { expect, it } from "vitest";
import { fromBase32 } from "../../../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../../../identity/totp/totp.ts";
import type { Limiter } from "../../../kernel/limiter/limiter.ts";
import { createTestApp, createTestSecrets, TEST_PASSWORD, type TestAppOptions } from "../../../testing.ts";
import { describeEachControlDatabase } from "../../../testing-database.ts";
import type { AccountTables } from "../../tables.ts";
import type { WayInTables } from "../tables.ts";

const MINUTE_MS = 60_000;
const EMAIL = "ada@example.com";
/** What is tested holds without the limits that stand before it. */
const UNLIMITED: Limiter = {
  take: (_key, { limit }) => ({ allowed: true, limit, remaining: limit, resetAtMs: 0, retryAfterSeconds: 0 }),
  close: async () => undefined,
};

describeEachControlDatabase("codes by mail for accounts", (openDatabase) => {
  async function open(options: TestAppOptions = {}) {
    const sql = await openDatabase();
    const all = { secrets: createTestSecrets(), canSendMail: true, ...options };
    const test = await createTestApp(sql, all);
    const { db } = sql.withTables<AccountTables & WayInTables>();
    const ada = await test.createDeveloper(EMAIL);
    await db.updateTable("accounts").set({ email_verified_at: 1 }).execute();
    const send = (email = EMAIL) => test.call("POST", "/api/auth/code", { body: { email } });
    const logIn = (code: string, email = EMAIL, call = test.call) =>
      call("POST", "/api/auth/login/code", { body: { email, code } });
    const codes = async (email = EMAIL) =>
      (await test.readMail(email))
        .filter(({ kind }) => kind === "otp")
        .map(({ text }) => /\b\d{6}\b/.exec(text)?.[0] ?? "");
    const codeFor = async (email = EMAIL) => {
      // Mails of one moment have no order.
      test.clock.advance(1_000);
      expect((await send(email)).body).toEqual({ success: true });
      return (await codes(email)).at(-1) ?? "";
    };
    const anotherServer = () => createTestApp(sql, { ...all, clock: test.clock });
    return { ...test, db, ada, send, logIn, codes, codeFor, anotherServer };
  }
  const wrong = (code: string) => (code === "000000" ? "000001" : "000000");

  it("log in once, for ten minutes, and only by the newest", async () => {
    const { codeFor, logIn, ada, clock, call } = await open();
    const first = await codeFor();
    expect(first).toMatch(/^\d{6}$/);
    const second = await codeFor();
    const answer = await logIn(second, "ADA@example.com");
    expect(answer).toMatchObject({ status: 200, body: { user: { id: ada.user.id } } });
    const headers = { authorization: `Bearer ${answer.body.token}` };
    expect((await call("GET", "/api/auth/me", { headers })).status).toBe(200);
    expect((await logIn(second)).status).toBe(401);
    clock.advance(15 * MINUTE_MS);
    const late = await codeFor();
    clock.advance(10 * MINUTE_MS);
    expect(await logIn(late)).toMatchObject({ status: 401, body: { code: "AUTH_OTP_EXPIRED" } });
  });

  it("tell nobody which addresses have an account, and are sent to verified ones only", async () => {
    const { send, logIn, codes, db, readMail, createDeveloper } = await open();
    expect((await send("nobody@example.com")).body).toEqual((await send()).body);
    expect(await codes("nobody@example.com")).toEqual([]);
    expect(await logIn("123456", "nobody@example.com")).toMatchObject({ body: { code: "AUTH_OTP_INVALID" } });
    await createDeveloper("new@example.com");
    expect((await send("new@example.com")).body).toEqual({ success: true });
    expect(await codes("new@example.com")).toEqual([]);
    const kinds = (await readMail("new@example.com")).map(({ kind }) => kind);
    expect(kinds).toEqual(["verify-email", "verify-email"]);
    const kept = JSON.stringify(await db.selectFrom("account_codes").selectAll().execute());
    expect(kept).not.toContain("example.com");
  });

  it("P27 lie in the database as HMAC only", async () => {
    const { codeFor, db } = await open();
    const code = await codeFor();
    const [row] = await db.selectFrom("account_codes").selectAll().execute();
    expect(row?.code_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(row)).not.toContain(`"${code}"`);
  });

  it("ask for the second factor where the account has one", async () => {
    const { codeFor, logIn, call, ada, clock } = await open();
    const headers = ada.bearer;
    const begun = await call("POST", "/api/auth/totp/begin", { headers, body: { password: TEST_PASSWORD } });
    const secret = fromBase32(begun.body.secret);
    const code = () => totpAt(secret, stepAt(clock.now()));
    expect((await call("POST", "/api/auth/totp/confirm", { headers, body: { code: code() } })).status).toBe(200);
    const first = await logIn(await codeFor());
    expect(first.body).toMatchObject({ mfaRequired: true, methods: ["totp", "recovery-code"] });
    clock.advance(MINUTE_MS);
    const body = { challengeToken: first.body.challengeToken, code: code() };
    expect((await call("POST", "/api/auth/login/totp", { body })).body.user.id).toBe(ada.user.id);
  });

  it("P31 after three wrong ones, none is taken or sent for 60 minutes, not even the right one", async () => {
    const { codeFor, logIn, send, clock, ada } = await open({ limiter: UNLIMITED });
    // The test's requests have no address, so none is of a network that the owner is known by.
    const code = await codeFor();
    for (let i = 0; i < 3; i++) expect((await logIn(wrong(code))).body.code).toBe("AUTH_OTP_INVALID");
    expect(await logIn(code)).toMatchObject({ status: 429, body: { code: "RATE_LIMIT_EXCEEDED" } });
    expect((await send()).status).toBe(429);
    clock.advance(60 * MINUTE_MS - 1_000);
    expect((await send()).status).toBe(429);
    clock.advance(1_000);
    expect((await logIn(await codeFor())).body.user.id).toBe(ada.user.id);
  });

  it("P31 judges three of 200 that come at once to two servers, and lets one of 200 right ones in", async () => {
    const { codeFor, logIn, anotherServer } = await open({ limiter: UNLIMITED });
    const other = await anotherServer();
    const right = await codeFor();
    const winners = await Promise.all(
      Array.from({ length: 200 }, (_, i) => logIn(right, EMAIL, i % 2 === 0 ? undefined : other.call)),
    );
    expect(winners.filter(({ status }) => status === 200)).toHaveLength(1);
    const code = await codeFor();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => logIn(wrong(code), EMAIL, i % 2 === 0 ? undefined : other.call)),
    );
    expect(answers.filter(({ body }) => body.code === "AUTH_OTP_INVALID").length).toBeLessThanOrEqual(3);
    expect(answers.filter(({ status }) => status === 200)).toEqual([]);
    expect((await logIn(code)).status).toBe(429);
  });

  it("are sent three times a quarter of an hour to one address", async () => {
    const { send, codes } = await open();
    const answers = await Promise.all(Array.from({ length: 10 }, () => send()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(await codes()).toHaveLength(3);
  });
});
