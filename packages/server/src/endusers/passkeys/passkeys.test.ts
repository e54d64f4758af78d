import { expect, it } from "vitest";
import { createAuthenticator } from "../../identity/passkeys/authenticator-testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { createEndUserTest } from "../testing.ts";

const SITE = "https://app.example.com";
const MINUTE_MS = 60_000;

describeEachControlDatabase("passkeys", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql);
    const shop = await test.createProject();
    await shop.set({ urls: { site: `${SITE}/shop` } });
    const { body: ada } = await shop.register("ada@example.com", { name: "Ada" });
    const device = createAuthenticator({ origin: SITE });
    const register = async (token: string, authenticator = device, name?: string) => {
      const { body } = await shop.auth("POST", "/me/passkeys/options", { token });
      const response = authenticator.create(body.options);
      return await shop.auth("POST", "/me/passkeys", {
        token,
        body: { challengeToken: body.challengeToken, response, ...(name === undefined ? {} : { name }) },
      });
    };
    const begin = async () => (await shop.auth("POST", "/passkeys/options")).body;
    const finish = (challengeToken: string, response: unknown) =>
      shop.auth("POST", "/passkeys/verify", { body: { challengeToken, response } });
    const logIn = async (authenticator = device, change = {}) => {
      const { challengeToken, options } = await begin();
      return await finish(challengeToken, authenticator.get(options, change));
    };
    return { ...test, sql: sql.withTables<EndUserTables>(), shop, ada, device, register, begin, finish, logIn };
  }

  it("log in who registered one, without a name or a password", async () => {
    const { shop, ada, register, logIn, endUsers } = await open();
    const registered = await register(ada.token, undefined, "Phone");
    expect(registered).toMatchObject({ status: 201, body: { success: true, passkey: { name: "Phone" } } });
    const answer = await logIn();
    expect(answer).toMatchObject({ status: 200, body: { user: { id: ada.user.id }, token: expect.any(String) } });
    expect((await endUsers.verifyToken(shop.id, answer.body.token))?.claims.amr).toEqual(["passkey", "mfa"]);
    const { body } = await shop.auth("GET", "/me/passkeys", { token: ada.token });
    expect(body.passkeys).toMatchObject([{ name: "Phone", lastUsedAt: expect.any(String), backedUp: false }]);
  });

  it("ask the device for the person, and tell nobody which users there are", async () => {
    const { shop, ada, begin } = await open();
    const { options } = await begin();
    expect(options).toMatchObject({ rpId: "app.example.com", userVerification: "required" });
    expect(options.allowCredentials ?? []).toEqual([]);
    const { body } = await shop.auth("POST", "/me/passkeys/options", { token: ada.token });
    expect(body.options).toMatchObject({
      rp: { id: "app.example.com", name: "Shop" },
      user: { name: "ada@example.com", displayName: "Ada" },
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
    });
  });

  it.each([
    ["of another site", { origin: "https://evil.example" }],
    ["of another place of the same domain", { origin: "http://app.example.com" }],
    ["that did not ask for the person", { origin: SITE, verifiesUser: false }],
  ])("refuse a device %s, to register and to log in", async (_what, options) => {
    const { shop, ada, register, begin, finish } = await open();
    const other = createAuthenticator(options);
    expect(await register(ada.token, other)).toMatchObject({ status: 400, body: { field: "response" } });
    const { challengeToken, options: asked } = await begin();
    expect(await finish(challengeToken, other.get(asked))).toMatchObject({ status: 401 });
    expect((await shop.auth("GET", "/me/passkeys", { token: ada.token })).body.passkeys).toEqual([]);
  });

  it("answer a challenge once, their own, within five minutes, and for who was asked", async () => {
    const { shop, ada, device, register, begin, finish, clock } = await open();
    await register(ada.token);
    const first = await begin();
    const response = device.get(first.options);
    expect((await finish(first.challengeToken, response)).status).toBe(200);
    expect((await finish(first.challengeToken, response)).status).toBe(401);
    expect((await finish((await begin()).challengeToken, response)).status).toBe(401);
    const late = await begin();
    const lateResponse = device.get(late.options);
    clock.advance(5 * MINUTE_MS);
    expect((await finish(late.challengeToken, lateResponse)).status).toBe(401);
    const { body: bob } = await shop.register("bob@example.com");
    const { body } = await shop.auth("POST", "/me/passkeys/options", { token: ada.token });
    const stolen = await shop.auth("POST", "/me/passkeys", {
      token: bob.token,
      body: { challengeToken: body.challengeToken, response: device.create(body.options) },
    });
    expect(stolen.status).toBe(401);
  });

  it("notice a copy of a device by its counter", async () => {
    const { ada, register, logIn } = await open();
    await register(ada.token);
    expect((await logIn(undefined, { counter: 10 })).status).toBe(200);
    expect((await logIn(undefined, { counter: 9 })).status).toBe(401);
    expect((await logIn(undefined, { counter: 11 })).status).toBe(200);
  });

  it("are gone when their user removes them, and nobody else can", async () => {
    const { shop, ada, register, logIn } = await open();
    const { body } = await register(ada.token);
    const { body: bob } = await shop.register("bob@example.com");
    const path = `/me/passkeys/${body.passkey.id}`;
    expect((await shop.auth("DELETE", path, { token: bob.token })).status).toBe(404);
    expect((await shop.auth("DELETE", path, { token: ada.token })).status).toBe(200);
    expect(await logIn()).toMatchObject({ status: 401, body: { code: "AUTH_INVALID_CREDENTIALS" } });
  });

  it("belong to one project", async () => {
    const { ada, device, register, createProject } = await open();
    await register(ada.token);
    const other = await createProject("Other");
    await other.set({ urls: { site: SITE } });
    const { body } = await other.auth("POST", "/passkeys/options");
    const answer = await other.auth("POST", "/passkeys/verify", {
      body: { challengeToken: body.challengeToken, response: device.get(body.options) },
    });
    expect(answer.status).toBe(401);
  });

  it("are offered where the project has said where it is", async () => {
    const { shop, ada, createProject } = await open();
    const bare = await createProject("Bare");
    const refused = await bare.auth("POST", "/passkeys/options");
    expect(refused).toMatchObject({ status: 403, body: { code: "AUTH_METHOD_DISABLED" } });
    expect((await bare.auth("GET", "/config")).body.passkeys).toBe(false);
    expect((await shop.auth("GET", "/config")).body.passkeys).toBe(true);
    await shop.set({ passkeys: { enabled: false } });
    expect((await shop.auth("POST", "/me/passkeys/options", { token: ada.token })).status).toBe(403);
  });

  it("answer hostile responses without a defect", async () => {
    const { begin, finish, device, ada, register } = await open();
    await register(ada.token);
    const id = "AAAA";
    const responses = [
      {},
      { id, rawId: id, type: "public-key", response: {} },
      { id, rawId: "BBBB", type: "public-key", response: { clientDataJSON: 5 } },
      { id: "\u0000", rawId: "x", type: "public-key", response: { clientDataJSON: "%%%", signature: null } },
    ];
    for (const response of responses) {
      const { challengeToken } = await begin();
      expect([400, 401], JSON.stringify(response)).toContain((await finish(challengeToken, response)).status);
    }
    const { challengeToken, options } = await begin();
    const good = device.get(options);
    const torn = { ...good, response: { ...good.response, authenticatorData: "AAAA" } };
    expect((await finish(challengeToken, torn)).status).toBe(401);
  });
});
