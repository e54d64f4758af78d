import { describe, expect, it } from "vitest";
import { fromBase32 } from "../../identity/totp/base32-testing.ts";
import { matchTotp, otpauthUrl, stepAt, toBase32, totpAt } from "../../identity/totp/totp.ts";
import { hashToken } from "../../kernel/crypto/token-hash.ts";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { codeIn, createEndUserTest } from "../testing.ts";

const MINUTE_MS = 60_000;
const STEP_MS = 30_000;

describe("codes of authenticator apps", () => {
  // RFC 6238, appendix B, SHA-1: the last six of its eight digits.
  const secret = Buffer.from("12345678901234567890");
  it.each([
    [59, "287082"],
    [1_111_111_109, "081804"],
    [1_111_111_111, "050471"],
    [1_234_567_890, "005924"],
    [2_000_000_000, "279037"],
    [20_000_000_000, "353130"],
  ])("are those of RFC 6238 at %i s", (seconds, code) => {
    expect(totpAt(secret, stepAt(seconds * 1_000))).toBe(code);
  });

  it("count a step early and late, and none twice", () => {
    const now = 1_234_567_890_000;
    const step = stepAt(now);
    for (const offset of [-1, 0, 1]) {
      expect(matchTotp(secret, totpAt(secret, step + offset), now, 0)).toBe(step + offset);
    }
    for (const offset of [-2, 2]) expect(matchTotp(secret, totpAt(secret, step + offset), now, 0)).toBeNull();
    expect(matchTotp(secret, totpAt(secret, step), now, step)).toBeNull();
  });

  it("go into apps by base 32 (RFC 4648) and an otpauth address", () => {
    expect(toBase32(Buffer.from("foobar"))).toBe("MZXW6YTBOI");
    expect(toBase32(Buffer.from("fooba"))).toBe("MZXW6YTB");
    expect(otpauthUrl(Buffer.from("fooba"), "Ada's Shop", "ada@example.com")).toBe(
      "otpauth://totp/Ada's%20Shop:ada%40example.com?secret=MZXW6YTB&issuer=Ada%27s%20Shop&algorithm=SHA1&digits=6&period=30",
    );
  });
});

describeEachControlDatabase("the second factor", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql);
    const shop = await test.createProject();
    const { body: ada } = await shop.register("ada@example.com");
    const me = (method: string, path: string, body?: unknown) =>
      shop.auth(method, path, { token: ada.token, ...(body === undefined ? {} : { body }) });
    /** An authenticator app that has read the secret. */
    const setUp = async () => {
      const { body } = await me("POST", "/me/totp");
      const secret = fromBase32(body.secret);
      const code = () => totpAt(secret, stepAt(test.clock.now()));
      const next = () => {
        test.clock.advance(STEP_MS);
        return code();
      };
      const confirmed = await me("POST", "/me/totp/confirm", { code: code() });
      expect(confirmed.status).toBe(200);
      return { code, next, recoveryCodes: confirmed.body.recoveryCodes as string[] };
    };
    const verify = (mfaToken: string, factor: Record<string, unknown>) =>
      shop.auth("POST", "/mfa/verify", { body: { mfaToken, ...factor } });
    const wrong = (code: string) => (code === "000000" ? "000001" : "000000");
    return { ...test, sql: sql.withTables<EndUserTables>(), shop, ada, me, setUp, verify, wrong };
  }

  it("is asked for at log-in once it is confirmed, and gives tokens then", async () => {
    const { shop, ada, me, setUp, verify, endUsers } = await open();
    const begun = await me("POST", "/me/totp");
    expect(begun.body.otpauthUrl).toContain("otpauth://totp/Shop:ada%40example.com?");
    expect((await shop.login("ada@example.com")).body.token).toEqual(expect.any(String));
    const app = await setUp();
    const login = await shop.login("ada@example.com");
    expect(login).toMatchObject({ status: 200, body: { success: true, mfaRequired: true } });
    expect(login.body).not.toHaveProperty("token");
    const answer = await verify(login.body.mfaToken, { code: app.next() });
    expect(answer).toMatchObject({ status: 200, body: { user: { id: ada.user.id } } });
    const verified = await endUsers.verifyToken(shop.id, answer.body.token);
    expect(verified?.claims.amr).toEqual(["pwd", "totp", "mfa"]);
    expect((await verify(login.body.mfaToken, { code: app.next() })).status).toBe(401);
    expect((await me("GET", "/me/factors")).body).toEqual({ totp: true, recoveryCodesLeft: 10, passkeys: 0 });
  });

  it("is asked for however somebody came", async () => {
    const { shop, setUp } = await open();
    await setUp();
    await shop.auth("POST", "/otp/send", { body: { email: "ada@example.com" } });
    const code = codeIn((await shop.outbox())[0]);
    // The address was not confirmed before: its owner takes the account over, and with it goes what was set up.
    const first = await shop.auth("POST", "/otp/verify", { body: { email: "ada@example.com", code } });
    expect(first.body.token).toEqual(expect.any(String));
    const { body } = await shop.auth("POST", "/me/totp", { token: first.body.token });
    const secret = fromBase32(body.secret);
    const now = Date.parse(first.body.user.createdAt);
    const confirmed = await shop.auth("POST", "/me/totp/confirm", {
      token: first.body.token,
      body: { code: totpAt(secret, stepAt(now)) },
    });
    expect(confirmed.status).toBe(200);
    await shop.auth("POST", "/otp/send", { body: { email: "ada@example.com" } });
    const again = codeIn((await shop.outbox())[0]);
    const second = await shop.auth("POST", "/otp/verify", { body: { email: "ada@example.com", code: again } });
    expect(second.body).toMatchObject({ mfaRequired: true });
  });

  it("takes no code twice, and none of a time that has passed", async () => {
    const { shop, setUp, verify, clock } = await open();
    const app = await setUp();
    const mfaToken = async () => (await shop.login("ada@example.com")).body.mfaToken;
    const code = app.next();
    expect((await verify(await mfaToken(), { code })).status).toBe(200);
    expect((await verify(await mfaToken(), { code })).status).toBe(401);
    const old = app.next();
    clock.advance(2 * STEP_MS);
    expect((await verify(await mfaToken(), { code: old })).status).toBe(401);
  });

  it("P31 takes three wrong codes of an authenticator, then none for 60 minutes", async () => {
    const { shop, setUp, verify, wrong, clock } = await open();
    const app = await setUp();
    const { mfaToken } = (await shop.login("ada@example.com")).body;
    for (let i = 0; i < 3; i++) {
      expect(await verify(mfaToken, { code: wrong(app.code()) })).toMatchObject({
        status: 401,
        body: { code: "AUTH_OTP_INVALID" },
      });
    }
    expect((await verify(mfaToken, { code: app.next() })).status).toBe(429);
    expect((await verify(mfaToken, { recoveryCode: app.recoveryCodes[0] })).status).toBe(429);
    clock.advance(60 * MINUTE_MS);
    const later = (await shop.login("ada@example.com")).body.mfaToken;
    expect((await verify(later, { code: app.next() })).status).toBe(200);
  });

  it("P31 judges three of 200 codes of an authenticator that come at once; a right one opens one session", async () => {
    const { shop, setUp, verify, wrong, clock } = await open();
    const app = await setUp();
    const mfaToken = async () => (await shop.login("ada@example.com")).body.mfaToken;
    const first = await mfaToken();
    const many = (code: string, token: string) =>
      Promise.all(Array.from({ length: 200 }, () => verify(token, { code })));
    const answers = await many(wrong(app.code()), first);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(197);
    clock.advance(60 * MINUTE_MS);
    const right = await many(app.next(), await mfaToken());
    expect(right.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("P31 whoever knows the password and guesses codes elsewhere does not keep the owner out at home", async () => {
    const { shop, setUp, wrong, clock } = await open();
    const app = await setUp();
    const stranger = "198.51.100.1";
    const home = "10.0.0.77";
    const mfa = async (ip: string, code: string) => {
      const body = { email: "ada@example.com", password: TEST_PASSWORD };
      const { mfaToken } = (await shop.auth("POST", "/login", { body, ip })).body;
      clock.advance(4 * MINUTE_MS);
      return (await shop.auth("POST", "/mfa/verify", { body: { mfaToken, code }, ip })).status;
    };
    for (let i = 0; i < 3; i++) expect(await mfa(stranger, wrong(app.code()))).toBe(401);
    expect(await mfa("203.0.113.5", wrong(app.code()))).toBe(429);
    const right = app.next;
    clock.advance(4 * MINUTE_MS);
    const body = { email: "ada@example.com", password: TEST_PASSWORD };
    const { mfaToken } = (await shop.auth("POST", "/login", { body, ip: home })).body;
    const verified = await shop.auth("POST", "/mfa/verify", { body: { mfaToken, code: right() }, ip: home });
    expect(verified.status).toBe(200);
    for (let i = 0; i < 3; i++) expect(await mfa(home, wrong(app.code()))).toBe(401);
    expect(await mfa(home, wrong(app.code()))).toBe(429);
  });

  it("is replaced by a recovery code, each once, however it is typed; new ones make the old void", async () => {
    const { shop, me, setUp, verify } = await open();
    const app = await setUp();
    const [first = "", second = ""] = app.recoveryCodes;
    expect(app.recoveryCodes).toHaveLength(10);
    const mfaToken = async () => (await shop.login("ada@example.com")).body.mfaToken;
    const typed = ` ${first.toUpperCase().replace("-", " ")} `;
    expect((await verify(await mfaToken(), { recoveryCode: typed })).status).toBe(200);
    expect((await verify(await mfaToken(), { recoveryCode: first })).status).toBe(401);
    expect((await me("GET", "/me/factors")).body.recoveryCodesLeft).toBe(9);
    const renewed = await me("POST", "/me/totp/recovery-codes", { code: app.next() });
    expect(renewed.body.recoveryCodes).toHaveLength(10);
    expect((await verify(await mfaToken(), { recoveryCode: second })).status).toBe(401);
    expect((await verify(await mfaToken(), { recoveryCode: renewed.body.recoveryCodes[0] })).status).toBe(200);
  });

  it("is removed by who has it, and not replaced by who has not", async () => {
    const { shop, me, setUp, wrong } = await open();
    const app = await setUp();
    expect((await me("POST", "/me/totp")).status).toBe(409);
    expect((await me("DELETE", "/me/totp", { code: wrong(app.code()) })).status).toBe(401);
    expect((await me("DELETE", "/me/totp", { code: app.next() })).status).toBe(200);
    expect((await shop.login("ada@example.com")).body.token).toEqual(expect.any(String));
    expect((await me("GET", "/me/factors")).body).toEqual({ totp: false, recoveryCodesLeft: 0, passkeys: 0 });
    await shop.set({ totp: { enabled: false } });
    expect((await me("POST", "/me/totp")).status).toBe(403);
  });

  it("P27 keeps the secret sealed, and recovery codes as HMAC-SHA-256 under a key that is not in the database", async () => {
    const { sql, me, setUp } = await open();
    const { body } = await me("POST", "/me/totp");
    const app = await setUp();
    const codes = await sql.db.selectFrom("end_user_recovery_codes").selectAll().execute();
    const rows = JSON.stringify([await sql.db.selectFrom("end_user_totp").selectAll().execute(), codes]);
    const userId = String((codes[0] as { user_id?: unknown } | undefined)?.user_id);
    for (const code of app.recoveryCodes) expect(rows).not.toContain(hashToken(`${userId}:${code.replace("-", "")}`));
    for (const secret of [body.secret, ...app.recoveryCodes]) expect(rows).not.toContain(secret);
    expect(rows).toMatch(/"hash":"[0-9a-f]{64}"/);
  });

  it("does not work with another user's token, nor after five minutes", async () => {
    const { shop, setUp, verify, clock } = await open();
    const app = await setUp();
    const { mfaToken } = (await shop.login("ada@example.com")).body;
    expect((await verify("mf_x", { code: app.next() })).status).toBe(401);
    clock.advance(5 * MINUTE_MS);
    expect((await verify(mfaToken, { code: app.code() })).status).toBe(401);
    expect((await verify(mfaToken, {})).status).toBe(400);
  });
});
