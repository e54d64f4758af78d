import { expect, it } from "vitest";
import { createAuthenticator } from "../identity/passkeys/authenticator-testing.ts";
import { fromBase32 } from "../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../identity/totp/totp.ts";
import { describeEachDialect } from "../kernel/sql/testing.ts";
import { TEST_PASSWORD } from "../testing.ts";
import { createProviderTest, TEST_ORIGIN } from "./ways-in/providers/testing.ts";

const OWNER = "ada@old.example";
const THIEF = "thief@example.com";
const CHANGE = "/api/auth/email/change";

type Bearer = Record<string, string>;

describeEachDialect("a thief who changes an account's e-mail address", (openDatabase) => {
  async function open() {
    const test = await createProviderTest(await openDatabase());
    const { call, clock, readMail } = test;
    const ada = await test.createDeveloper(OWNER);
    const addPasskey = async (bearer: Bearer, device: ReturnType<typeof createAuthenticator>, name: string) => {
      const { body } = await call("POST", "/api/auth/passkeys/register-options", { headers: bearer });
      const response = device.create(body.options);
      return await call("POST", "/api/auth/passkeys", {
        headers: bearer,
        body: { challengeToken: body.challengeToken, response, name },
      });
    };
    const byPasskey = async (device: ReturnType<typeof createAuthenticator>) => {
      const { body } = await call("POST", "/api/auth/passkeys/options");
      const response = device.get(body.options);
      return await call("POST", "/api/auth/login/passkey", {
        body: { challengeToken: body.challengeToken, response },
      });
    };
    const addAuthenticator = async (bearer: Bearer) => {
      const begun = await call("POST", "/api/auth/totp/begin", { headers: bearer, body: { password: TEST_PASSWORD } });
      const code = totpAt(fromBase32(begun.body.secret), stepAt(clock.now()));
      return await call("POST", "/api/auth/totp/confirm", { headers: bearer, body: { code } });
    };
    const makeKey = async (bearer: Bearer) =>
      (await call("POST", "/api/v1/account/keys", { headers: bearer, body: { name: "key" } })).body.secret as string;
    const opens = async (headers: Bearer) => (await call("GET", "/api/auth/me", { headers })).status === 200;
    const logIn = async (email: string, password = TEST_PASSWORD) => {
      clock.advance(4 * 60_000);
      return await call("POST", "/api/auth/login", { body: { email, password } });
    };
    async function tokenTo(address: string) {
      const texts = (await readMail(address)).map(({ text }) => text);
      return texts.flatMap((text) => /email-change#token=(\w+)/.exec(text)?.[1] ?? []).at(-1) ?? "";
    }
    async function changeAddress(bearer: Bearer) {
      await call("POST", CHANGE, { headers: bearer, body: { newEmail: THIEF, password: TEST_PASSWORD } });
      const answer = await call("POST", `${CHANGE}/confirm`, { body: { token: await tokenTo(THIEF) } });
      expect(answer.status).toBe(200);
    }
    const takeBack = async () => await call("POST", `${CHANGE}/revoke`, { body: { token: await tokenTo(OWNER) } });
    return { ...test, ada, addPasskey, byPasskey, addAuthenticator, makeKey, opens, logIn, changeAddress, takeBack };
  }

  it("has no way in left once the owner takes the change back, and the owner keeps what was theirs", async () => {
    const test = await open();
    const { call, clock, ada, state, openTab, readMail, opens } = test;
    const [hers, his] = [createAuthenticator({ origin: TEST_ORIGIN }), createAuthenticator({ origin: TEST_ORIGIN })];
    expect((await test.addPasskey(ada.bearer, hers, "Hers")).status).toBeLessThan(300);

    // The thief knows the password, and comes an hour later.
    clock.advance(60 * 60_000);
    const first = await test.logIn(OWNER);
    const thief: Bearer = { authorization: `Bearer ${first.body.token}` };
    await test.changeAddress(thief);
    const key = await test.makeKey(thief);
    state.account = { sub: "thief", email: THIEF, email_verified: true, name: "Thief" };
    expect((await openTab().connect(thief)).status).toBeLessThan(300);
    expect((await test.addPasskey(thief, his, "His")).status).toBeLessThan(300);
    expect((await test.addAuthenticator(thief)).status).toBe(200);
    const { body: device } = await call("POST", "/api/auth/device/code", { body: { client_id: "thief" } });
    await call("POST", "/api/auth/device/decide", {
      headers: thief,
      body: { user_code: device.user_code, approve: true },
    });
    expect([await opens(thief), await opens({ "x-api-key": key })]).toEqual([true, true]);
    expect((await test.byPasskey(his)).status).toBe(200);

    expect((await test.takeBack()).body).toEqual({ success: true });
    clock.advance(5_000);
    expect([await opens(thief), await opens({ "x-api-key": key })]).toEqual([false, false]);
    expect((await test.byPasskey(his)).status).toBe(401);
    expect((await openTab().logIn()).status).not.toBe(200);
    expect([(await test.logIn(OWNER)).status, (await test.logIn(THIEF)).status]).toEqual([401, 401]);
    const polled = await call("POST", "/api/auth/device/token", {
      body: { device_code: device.device_code, grant_type: "urn:ietf:params:oauth:grant-type:device_code" },
    });
    expect(polled.body.api_key).toBeUndefined();

    // The owner: the key and the passkey from before, and a new password without any code.
    expect(await opens({ "x-api-key": ada.accountKey })).toBe(true);
    const entered = await test.byPasskey(hers);
    expect([entered.status, entered.body.user.email]).toEqual([200, OWNER]);
    const mails = await readMail(OWNER);
    const told = mails.find(({ kind }) => kind === "email-change-stopped")?.text ?? "";
    for (const line of [
      "Sessions ended: 3",
      "Keys revoked: 1",
      "Passkeys removed: 1",
      "Linked log-ins removed: 1",
      "Authenticator apps removed: 1",
    ]) {
      expect(told).toContain(line);
    }
    const reset = mails.flatMap(({ text }) => /reset-password#token=(\w+)/.exec(text)?.[1] ?? []).at(-1);
    await call("POST", "/api/auth/password/reset", { body: { token: reset, newPassword: "Another-Horse-8" } });
    const back = await test.logIn(OWNER, "Another-Horse-8");
    expect([back.status, back.body.mfaRequired]).toEqual([200, undefined]);
  });

  it("an authenticator from before the change stays, and the mail tells of nothing that there was not", async () => {
    const test = await open();
    const { clock, ada, readMail } = test;
    expect((await test.addAuthenticator(ada.bearer)).status).toBe(200);
    clock.advance(60_000);
    await test.changeAddress(ada.bearer);
    expect((await test.takeBack()).status).toBe(200);
    const mails = await readMail(OWNER);
    const told = mails.find(({ kind }) => kind === "email-change-stopped")?.text ?? "";
    expect(told).toContain("Sessions ended: 1");
    expect(told).not.toMatch(/removed: |revoked: /);
    const reset = mails.flatMap(({ text }) => /reset-password#token=(\w+)/.exec(text)?.[1] ?? []).at(-1);
    await test.call("POST", "/api/auth/password/reset", { body: { token: reset, newPassword: "Another-Horse-8" } });
    expect((await test.logIn(OWNER, "Another-Horse-8")).body).toMatchObject({ mfaRequired: true });
  });
});
