import { expect, it } from "vitest";
import { createAuthenticator } from "../../identity/passkeys/authenticator-testing.ts";
import { fromBase32 } from "../../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../../identity/totp/totp.ts";
import { createTestApp, TEST_PASSWORD, type TestAnswer } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { AccountTables } from "../tables.ts";

const MINUTE_MS = 60_000;

/** Management addresses have their errors within `error`. */
const codeOf = ({ body }: TestAnswer) => body.code ?? body.error?.code;

describeEachControlDatabase("a fresh proof of who is at a session", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const test = await createTestApp(sql);
    const { call, clock } = test;
    const ada = await test.createDeveloper("ada@example.com");
    const mine = (method: string, path: string, body?: unknown, headers: Record<string, string> = ada.bearer) =>
      call(method, path, { headers, ...(body === undefined ? {} : { body }) });
    const prove = (proof: unknown) => mine("POST", "/api/auth/proof", proof);
    const makeKey = (limits = {}) => mine("POST", "/api/v1/account/keys", { name: "another", ...limits });
    /** Access tokens live for 15 minutes; the session is the same. */
    const growStale = async () => {
      const { body } = await call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
      clock.advance(10 * MINUTE_MS);
      ada.bearer.authorization = `Bearer ${body.token}`;
    };
    const setUpTotp = async () => {
      const begun = await mine("POST", "/api/auth/totp/begin", { password: TEST_PASSWORD });
      const secret = fromBase32(begun.body.secret);
      const code = () => totpAt(secret, stepAt(clock.now()));
      const { body } = await mine("POST", "/api/auth/totp/confirm", { code: code() });
      return { code, recoveryCodes: body.recoveryCodes as string[] };
    };
    const { db } = sql.withTables<AccountTables>();
    return { ...test, db, ada, mine, prove, makeKey, growStale, setUpTotp };
  }

  it("is asked for ten minutes after the log-in by whatever gives another way in, and by nothing else", async () => {
    const { mine, makeKey, growStale, prove, clock, ada } = await open();
    const { body: team } = await mine("POST", "/api/v1/organisations", { name: "Team" });
    const rotate = `/api/v1/account/keys/${ada.accountKeyId}/rotate`;
    const offer = `/api/v1/organisations/${team.organisation.id}/ownership-offer`;
    expect((await makeKey()).status).toBe(201);
    await growStale();
    const sensitive = [
      () => makeKey(),
      () => makeKey({ scopes: ["*"] }),
      () => mine("POST", rotate, {}),
      () => mine("POST", "/api/auth/passkeys/register-options"),
      () => mine("DELETE", "/api/auth/passkeys/x"),
      () => mine("PUT", "/api/auth/passkeys/second-step", { required: true }),
      () => mine("DELETE", "/api/auth/identities/oidc"),
      () => mine("POST", offer, { member: "usr_x" }),
      () => mine("POST", "/api/auth/device/decide", { user_code: "BCDF-GHJK", approve: true }),
      () => mine("POST", "/api/auth/totp/begin"),
    ];
    for (const call of sensitive) {
      const answer = await call();
      expect([answer.status, codeOf(answer)]).toEqual([403, "AUTH_PROOF_REQUIRED"]);
    }
    expect((await makeKey()).body.error.fix).toContain("/api/auth/proof");
    expect((await mine("GET", "/api/v1/account/keys")).body.keys).toHaveLength(2);
    expect((await mine("GET", "/api/auth/passkeys")).status).toBe(200);
    expect((await makeKey({ scopes: ["projects:read"] })).status).toBe(201);
    const refuse = { user_code: "BCDF-GHJK", approve: false };
    expect((await mine("POST", "/api/auth/device/decide", refuse)).status).toBe(404);
    expect((await prove({ password: TEST_PASSWORD })).status).toBe(200);
    for (const call of sensitive.slice(0, 9)) expect(codeOf(await call())).not.toBe("AUTH_PROOF_REQUIRED");
    clock.advance(4 * MINUTE_MS);
    expect((await makeKey()).status).toBe(201);
  });

  it("is not renewed by a refresh, and belongs to one session", async () => {
    const { call, ada, makeKey, growStale, prove } = await open();
    await growStale();
    const body = { email: ada.email, password: TEST_PASSWORD };
    const other = await call("POST", "/api/auth/login", { body });
    expect(other.status).toBe(200);
    expect((await makeKey()).status).toBe(403);
    expect((await prove({ password: TEST_PASSWORD })).status).toBe(200);
    expect((await makeKey()).status).toBe(201);
  });

  it("is a password, a code, a recovery code once, or a passkey of the account; nothing that is wrong", async () => {
    const { mine, prove, makeKey, growStale, setUpTotp, clock, createDeveloper } = await open();
    const { code, recoveryCodes } = await setUpTotp();
    const device = createAuthenticator({ origin: "http://aerostack.test" });
    const add = async (headers?: Record<string, string>, authenticator = device) => {
      const { body } = await mine("POST", "/api/auth/passkeys/register-options", undefined, headers);
      const answer = { challengeToken: body.challengeToken, response: authenticator.create(body.options) };
      expect((await mine("POST", "/api/auth/passkeys", answer, headers)).status).toBe(201);
    };
    await add();
    const bob = await createDeveloper("bob@example.com");
    const bobs = createAuthenticator({ origin: "http://aerostack.test" });
    await add(bob.bearer, bobs);
    await growStale();
    const passkey = async (authenticator = device) => {
      const { body } = await mine("POST", "/api/auth/passkeys/options");
      return { passkey: { challengeToken: body.challengeToken, response: authenticator.get(body.options) } };
    };
    const [recoveryCode = ""] = recoveryCodes;
    const wrongs = [
      [{ password: "Wrong-Horse-7" }, "AUTH_INVALID_CREDENTIALS"],
      [{ recoveryCode: "aaaaa-bbbbb" }, "AUTH_OTP_INVALID"],
      [await passkey(bobs), "AUTH_INVALID_CREDENTIALS"],
      [{}, "VALIDATION_ERROR"],
      [{ password: TEST_PASSWORD, recoveryCode }, "VALIDATION_ERROR"],
    ] as const;
    for (const [proof, error] of wrongs) expect((await prove(proof)).body.code).toBe(error);
    expect((await makeKey()).status).toBe(403);
    const expectProof = async (proof: unknown) => {
      expect((await prove(proof)).status).toBe(200);
      expect((await makeKey()).status).toBe(201);
    };
    await expectProof({ recoveryCode });
    expect((await prove({ recoveryCode })).status).toBe(401);
    await expectProof(await passkey());
    clock.advance(MINUTE_MS);
    await expectProof({ code: code() });
  });

  it("is a code by mail, of the account's own address", async () => {
    const { call, prove, makeKey, growStale, readMail, ada, createDeveloper, db } = await open();
    await createDeveloper("bob@example.com");
    await db.updateTable("accounts").set({ email_verified_at: 1 }).execute();
    await growStale();
    const codeFor = async (email: string) => {
      await call("POST", "/api/auth/code", { body: { email } });
      const mail = (await readMail(email)).findLast(({ kind }) => kind === "otp");
      return /\b\d{6}\b/.exec(mail?.text ?? "")?.[0];
    };
    const bobs = await codeFor("bob@example.com");
    expect((await prove({ emailCode: bobs })).status).toBe(401);
    const own = await codeFor(ada.email);
    expect((await prove({ emailCode: own })).status).toBe(200);
    expect((await makeKey()).status).toBe(201);
  });

  it("takes five passwords a quarter of an hour, however many come at once", async () => {
    const { prove, makeKey, growStale } = await open();
    await growStale();
    const answers = await Promise.all(Array.from({ length: 40 }, () => prove({ password: "Wrong-Horse-7" })));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect((await prove({ password: TEST_PASSWORD })).status).toBe(429);
    expect((await makeKey()).status).toBe(403);
  });

  it("is a person's: keys cannot give it, and do what they may", async () => {
    const { call, ada, growStale } = await open();
    await growStale();
    const headers = { "x-api-key": ada.accountKey };
    const proven = await call("POST", "/api/auth/proof", { headers, body: { password: TEST_PASSWORD } });
    expect(proven).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect((await ada.call("POST", "/api/v1/account/keys", { name: "by key" })).status).toBe(201);
  });

  it("does not stand for the password when an authenticator is set up", async () => {
    const { mine, makeKey, growStale } = await open();
    const begin = (body?: unknown) => mine("POST", "/api/auth/totp/begin", body);
    expect(await begin()).toMatchObject({ status: 403, body: { code: "AUTH_PROOF_REQUIRED" } });
    expect(await begin({ password: "Wrong-Horse-7" })).toMatchObject({ body: { code: "AUTH_INVALID_CREDENTIALS" } });
    await growStale();
    expect((await begin({ password: TEST_PASSWORD })).status).toBe(200);
    expect((await makeKey()).status).toBe(201);
  });
});
