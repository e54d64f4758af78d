import { expect, it } from "vitest";
import { createAuthenticator } from "../../../identity/passkeys/authenticator-testing.ts";
import { fromBase32 } from "../../../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../../../identity/totp/totp.ts";
import { createTestApp, createTestSecrets, TEST_PASSWORD, type TestAppOptions } from "../../../testing.ts";
import { describeEachControlDatabase } from "../../../testing-database.ts";

const ORIGIN = "http://aerostack.test";
const MINUTE_MS = 60_000;

describeEachControlDatabase("passkeys of accounts", (openDatabase) => {
  async function open(options: TestAppOptions = {}) {
    const sql = await openDatabase();
    const secrets = createTestSecrets();
    const test = await createTestApp(sql, { secrets, ...options });
    const { call, clock } = test;
    const ada = await test.createDeveloper("ada@example.com");
    const device = createAuthenticator({ origin: ORIGIN });
    type Device = typeof device;
    const me = (method: string, path = "", body?: unknown, headers: Record<string, string> = ada.bearer) =>
      call(method, `/api/auth/passkeys${path}`, { headers, ...(body === undefined ? {} : { body }) });
    const add = async (who = ada, authenticator: Device = device, name = "Phone") => {
      const { body } = await me("POST", "/register-options", undefined, who.bearer);
      const response = authenticator.create(body.options);
      return await me("POST", "", { challengeToken: body.challengeToken, response, name }, who.bearer);
    };
    const begin = async () => (await call("POST", "/api/auth/passkeys/options")).body;
    const finish = (body: unknown) => call("POST", "/api/auth/login/passkey", { body });
    const answer = async (authenticator: Device = device, change = {}) => {
      const { challengeToken, options: asked } = await begin();
      return { challengeToken, response: authenticator.get(asked, change) };
    };
    const logIn = async (authenticator: Device = device, change = {}) =>
      await finish(await answer(authenticator, change));
    const byPassword = async () => {
      clock.advance(4 * MINUTE_MS);
      return await call("POST", "/api/auth/login", { body: { email: ada.email, password: TEST_PASSWORD } });
    };
    const secondStep = (challengeToken: string, passkey: unknown) =>
      call("POST", "/api/auth/login/second-step/passkey", { body: { challengeToken, passkey } });
    const actions = async () => {
      const db = sql.withTables<{ audit_entries: { id: string; action: string; actor_id: string | null } }>().db;
      const rows = await db.selectFrom("audit_entries").select(["action", "actor_id"]).execute();
      const about = rows.filter(({ action }) => action.startsWith("passkey."));
      return about.map((row) => `${row.action} ${row.actor_id}`).sort();
    };
    const renew = (session: { token: string }) => {
      ada.bearer.authorization = `Bearer ${session.token}`;
    };
    const anotherServer = () => createTestApp(sql, { secrets, clock, ...options });
    return {
      ...test,
      ada,
      device,
      me,
      add,
      begin,
      finish,
      answer,
      logIn,
      byPassword,
      secondStep,
      actions,
      renew,
      anotherServer,
    };
  }

  it("log in who added one, without a name or a password", async () => {
    const { ada, add, logIn, call, me, readMail, actions } = await open();
    expect(await add()).toMatchObject({ status: 201, body: { passkey: { name: "Phone", lastUsedAt: null } } });
    const answer = await logIn();
    expect(answer).toMatchObject({ status: 200, body: { user: { id: ada.user.id } } });
    const headers = { authorization: `Bearer ${answer.body.token}` };
    expect((await call("GET", "/api/auth/me", { headers })).body.user.id).toBe(ada.user.id);
    expect((await me("GET")).body).toMatchObject({
      passkeys: [{ name: "Phone", lastUsedAt: expect.any(String) }],
      secondStep: false,
    });
    expect((await readMail(ada.email)).map(({ text }) => text).join()).toContain("Phone");
    expect(await actions()).toEqual([`passkey.added ${ada.user.id}`]);
  });

  it("ask the device for the person, and tell nobody which accounts there are", async () => {
    const { me, begin } = await open();
    const { options } = await begin();
    expect(options).toMatchObject({ rpId: "aerostack.test", userVerification: "required" });
    expect(options.allowCredentials ?? []).toEqual([]);
    const { body } = await me("POST", "/register-options");
    expect(body.options).toMatchObject({
      rp: { id: "aerostack.test", name: "Aerostack (aerostack.test)" },
      user: { name: "ada@example.com" },
      attestation: "none",
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
    });
  });

  it.each([
    ["of another site", { origin: "https://evil.example" }],
    ["of another place of the same domain", { origin: "https://aerostack.test" }],
    ["that did not ask for the person", { origin: ORIGIN, verifiesUser: false }],
  ])("refuse a device %s, to add and to log in", async (_what, options) => {
    const { ada, add, answer, finish, me } = await open();
    const other = createAuthenticator(options);
    expect(await add(ada, other)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    expect(await finish(await answer(other))).toMatchObject({ status: 401 });
    expect((await me("GET")).body.passkeys).toEqual([]);
  });

  it("answer a challenge once, their own, within five minutes, at any server", async () => {
    const { add, answer, finish, clock, begin, device, anotherServer } = await open();
    await add();
    const other = await anotherServer();
    const first = await answer();
    const both = await Promise.all([finish(first), other.call("POST", "/api/auth/login/passkey", { body: first })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    const mixed = { challengeToken: (await begin()).challengeToken, response: (await answer()).response };
    expect((await finish(mixed)).status).toBe(401);
    const elsewhere = await other.call("POST", "/api/auth/passkeys/options");
    const response = device.get(elsewhere.body.options);
    expect((await finish({ challengeToken: elsewhere.body.challengeToken, response })).status).toBe(200);
    const late = await answer();
    clock.advance(5 * MINUTE_MS);
    expect((await finish(late)).status).toBe(401);
  });

  it("are added by the account that was asked, with a session", async () => {
    const { me, device, createDeveloper, ada } = await open();
    const bob = await createDeveloper("bob@example.com");
    const { body } = await me("POST", "/register-options");
    const answer = { challengeToken: body.challengeToken, response: device.create(body.options) };
    expect((await me("POST", "", answer, bob.bearer)).status).toBe(401);
    expect((await me("GET", "", undefined, bob.bearer)).body.passkeys).toEqual([]);
    for (const path of ["/register-options", ""]) {
      const byKey = await me("POST", path, path === "" ? answer : undefined, { "x-api-key": ada.accountKey });
      expect(byKey).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    }
  });

  it("notice a copy of a device by its counter", async () => {
    const { add, logIn } = await open();
    await add();
    expect((await logIn(undefined, { counter: 10 })).status).toBe(200);
    expect((await logIn(undefined, { counter: 9 })).status).toBe(401);
    expect((await logIn(undefined, { counter: 11 })).status).toBe(200);
  });

  it("are renamed and removed by their account alone", async () => {
    const { me, add, logIn, createDeveloper, ada, actions } = await open();
    const { body } = await add();
    const bob = await createDeveloper("bob@example.com");
    const path = `/${body.passkey.id}`;
    expect((await me("PATCH", path, { name: "Mine" }, bob.bearer)).status).toBe(404);
    expect((await me("DELETE", path, undefined, bob.bearer)).status).toBe(404);
    expect((await me("PATCH", path, { name: "Old phone" })).body.passkey.name).toBe("Old phone");
    expect((await me("PATCH", path, { name: "a\u0000b" })).status).toBe(400);
    expect((await me("DELETE", path)).status).toBe(200);
    expect((await me("DELETE", path)).status).toBe(404);
    expect(await logIn()).toMatchObject({ status: 401, body: { code: "AUTH_INVALID_CREDENTIALS" } });
    const by = ada.user.id;
    expect(await actions()).toEqual([`passkey.added ${by}`, `passkey.removed ${by}`, `passkey.renamed ${by}`]);
  });

  it("are the second step after a password for who wants it so, until the last is gone", async () => {
    const { me, add, answer, byPassword, secondStep, device, createDeveloper, renew, readMail, ada } = await open();
    expect(await me("PUT", "/second-step", { required: true })).toMatchObject({ status: 409 });
    const { body } = await add();
    expect((await byPassword()).body.token).toEqual(expect.any(String));
    expect((await me("PUT", "/second-step", { required: true })).status).toBe(200);
    const { body: first } = await byPassword();
    expect(first).toEqual({ mfaRequired: true, challengeToken: expect.any(String), methods: ["passkey"] });
    const bob = await createDeveloper("bob@example.com");
    const bobs = createAuthenticator({ origin: ORIGIN });
    await add(bob, bobs);
    expect((await secondStep(first.challengeToken, await answer(bobs))).status).toBe(401);
    const right = await answer(device);
    expect((await secondStep("am_unknown", right)).status).toBe(401);
    const done = await secondStep(first.challengeToken, await answer(device));
    expect(done).toMatchObject({ status: 200, body: { user: { id: ada.user.id } } });
    expect((await secondStep(first.challengeToken, await answer(device))).status).toBe(401);
    renew(done.body);
    expect((await me("DELETE", `/${body.passkey.id}`)).status).toBe(200);
    expect((await byPassword()).body.token).toEqual(expect.any(String));
    expect((await me("GET")).body).toEqual({ passkeys: [], secondStep: false });
    const subjects = (await readMail(ada.email)).map(({ subject }) => subject);
    expect(new Set(subjects).size).toBeGreaterThanOrEqual(4);
  });

  it("finish the second step of an account with an authenticator app, too, and need none themselves", async () => {
    const { call, add, answer, logIn, byPassword, secondStep, clock, ada } = await open();
    await add();
    const headers = ada.bearer;
    const begun = await call("POST", "/api/auth/totp/begin", { headers, body: { password: TEST_PASSWORD } });
    const code = totpAt(fromBase32(begun.body.secret), stepAt(clock.now()));
    expect((await call("POST", "/api/auth/totp/confirm", { headers, body: { code } })).status).toBe(200);
    const { body: first } = await byPassword();
    expect(first.methods).toEqual(["totp", "recovery-code", "passkey"]);
    expect((await secondStep(first.challengeToken, await answer())).body.user.id).toBe(ada.user.id);
    expect((await logIn()).body.user.id).toBe(ada.user.id);
  });

  it("are gone with everything of whoever registered an address of somebody else", async () => {
    const { add, me, logIn, call, readMail, byPassword, ada } = await open();
    await add();
    await me("PUT", "/second-step", { required: true });
    await call("POST", "/api/auth/password/forgot", { body: { email: ada.email } });
    const mail = (await readMail(ada.email)).map(({ text }) => text).join();
    const [, token = ""] = /reset-password#token=(\w+)/.exec(mail) ?? [];
    const reset = { token, newPassword: TEST_PASSWORD };
    expect((await call("POST", "/api/auth/password/reset", { body: reset })).status).toBe(200);
    expect((await logIn()).status).toBe(401);
    expect((await byPassword()).body.token).toEqual(expect.any(String));
  });

  it("are of localhost where the server is on this machine's own address, and of no other IP address", async () => {
    const local = await open({ origin: () => "http://127.0.0.1:8787" });
    expect((await local.begin()).options.rpId).toBe("localhost");
    const device = createAuthenticator({ origin: "http://localhost:8787" });
    expect((await local.add(local.ada, device)).status).toBe(201);
    expect((await local.logIn(device)).status).toBe(200);
    const remote = await open({ origin: () => "https://192.0.2.1" });
    expect(await remote.call("POST", "/api/auth/passkeys/options")).toMatchObject({
      status: 403,
      body: { code: "AUTH_METHOD_DISABLED" },
    });
  });

  it("answer hostile responses without a defect", async () => {
    const { begin, finish, add, answer } = await open();
    await add();
    const id = "AAAA";
    for (const response of [
      {},
      { id, rawId: id, type: "public-key", response: {} },
      { id, rawId: "BBBB", type: "public-key", response: { clientDataJSON: 5 } },
      { id: "\u0000", rawId: "x", type: "public-key", response: { clientDataJSON: "%%%", signature: null } },
    ]) {
      const { challengeToken } = await begin();
      expect([400, 401], JSON.stringify(response)).toContain((await finish({ challengeToken, response })).status);
    }
    const { challengeToken, response } = await answer();
    const torn = { ...response, response: { ...response.response, authenticatorData: "AAAA" } };
    expect((await finish({ challengeToken, response: torn })).status).toBe(401);
  });
});
