import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { OIDC_CLIENT, type OidcAccount, startOidcProvider } from "../../identity/oauth/oidc-testing.ts";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { createEndUserTest, type EndUserTestOptions, ORIGIN } from "../testing.ts";

const APP = "https://app.example.com/callback";
const MINUTE_MS = 60_000;

const cleanups: (() => Promise<void>)[] = [];
beforeEach(() => {
  // The provider says at each start that its defaults are not for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describeEachControlDatabase("log-in through another provider", (openDatabase) => {
  async function open(options: EndUserTestOptions = {}) {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql, options);
    const shop = await test.createProject();
    const state = {
      account: { sub: "1", email: "Ada@Example.com", email_verified: true, name: "Ada" } as OidcAccount,
      refuses: false,
    };
    const provider = await startOidcProvider({
      redirectUri: `${ORIGIN}/api/v1/public/projects/${shop.id}/auth/oauth/company/callback`,
      account: () => state.account,
      refuses: () => state.refuses,
    });
    cleanups.push(provider.close);
    const company = { type: "oidc", issuer: provider.issuer, ...OIDC_CLIENT };
    const set = await shop.set({ urls: { redirects: [APP] }, providers: { company } });
    expect(set.status, JSON.stringify(set.body)).toBe(200);

    const start = (query: Record<string, string> = {}, id = "company") =>
      shop.auth("GET", `/oauth/${id}?${new URLSearchParams({ redirectTo: APP, ...query })}`);
    const cookieOf = (answer: { headers: Headers }) => answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    const back = (url: URL, cookie: string) =>
      test.app.request(`${url.pathname}${url.search}`, { headers: { cookie } });
    /** The whole way, to where the application gets the browser back. */
    const travel = async (query: Record<string, string> = {}) => {
      const left = await start(query);
      expect(left.status).toBe(302);
      const returned = await provider.browse(left.headers.get("location") ?? "");
      const answer = await back(returned, cookieOf(left));
      expect(answer.status).toBe(302);
      return new URL(answer.headers.get("location") ?? "");
    };
    const exchange = (code: string | null, extra = {}) =>
      shop.auth("POST", "/oauth/token", { body: { code, ...extra } });
    const logIn = async (query: Record<string, string> = {}) =>
      await exchange((await travel(query)).searchParams.get("code"));
    return {
      ...test,
      sql: sql.withTables<EndUserTables>(),
      shop,
      provider,
      state,
      company,
      start,
      cookieOf,
      back,
      travel,
      exchange,
      logIn,
    };
  }

  it("signs up who is new, and knows them again", async () => {
    const { logIn, shop } = await open();
    const first = await logIn();
    expect(first).toMatchObject({
      status: 200,
      body: { user: { email: "ada@example.com", emailVerified: true, name: "Ada" }, token: expect.any(String) },
    });
    const second = await logIn();
    expect(second.body.user.id).toBe(first.body.user.id);
    const { body } = await shop.auth("GET", "/me/identities", { token: second.body.token });
    expect(body.identities).toEqual([{ provider: "company", email: "ada@example.com", createdAt: expect.any(String) }]);
  });

  it("sends the browser out with PKCE, state and nonce, and a cookie that scripts and other sites do not get", async () => {
    const { start } = await open();
    const answer = await start();
    const url = new URL(answer.headers.get("location") ?? "");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: "code",
      scope: "openid email profile",
      code_challenge_method: "S256",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^os_/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(answer.headers.get("set-cookie")).toMatch(/; Max-Age=600; HttpOnly; SameSite=Lax$/);
  });

  it("P1 keeps name and e-mail of the provider's person and nothing else, no token above all", async () => {
    const { logIn, sql, state } = await open();
    state.account = { ...state.account, sub: "subject-at-the-provider" };
    await logIn();
    const rows = JSON.stringify([
      await sql.db.selectFrom("end_users").selectAll().execute(),
      await sql.db.selectFrom("end_user_identities").selectAll().execute(),
      await sql.db.selectFrom("end_user_tokens").selectAll().execute(),
    ]);
    expect(rows).not.toContain("subject-at-the-provider");
    expect(rows).not.toMatch(/eyJ/);
  });

  it("connects the account with the same address where the provider has confirmed it", async () => {
    const { logIn, shop } = await open();
    const { body: registered } = await shop.register("ada@example.com");
    const token = new URL(/^\S+:\S+$/m.exec((await shop.outbox())[0]?.message.text ?? "")?.[0] ?? "");
    await shop.auth("GET", `/verify-email${token.search}`);
    const { body } = await logIn();
    expect(body.user.id).toBe(registered.user.id);
    expect((await shop.login("ada@example.com")).status).toBe(200);
  });

  it("takes password and sessions from who sat on the address before its owner came", async () => {
    const { logIn, shop } = await open();
    const { body: attacker } = await shop.register("ada@example.com", { password: "Attackers-Word-1" });
    const { body: owner } = await logIn();
    expect(owner.user.id).toBe(attacker.user.id);
    expect((await shop.auth("GET", "/me", { token: attacker.token })).status).toBe(401);
    expect((await shop.login("ada@example.com", "Attackers-Word-1")).status).toBe(401);
  });

  it("leads to nobody's account by an address that the provider has not confirmed", async () => {
    const { travel, logIn, shop, state, company } = await open();
    const { body: ada } = await shop.register("ada@example.com");
    state.account = { sub: "2", email: "ada@example.com", email_verified: false, name: "Eve" };
    const refused = await travel();
    expect(refused.searchParams.get("error")).toBe("AUTH_USER_EXISTS");
    state.account = { sub: "3", email: "eve@example.com", name: "Eve" };
    const { body: eve } = await logIn();
    expect(eve.user).toMatchObject({ email: `${eve.user.id}@users.invalid`, emailVerified: false });
    await shop.set({ providers: { company: { ...company, trustEmail: true } } });
    state.account = { sub: "4", email: "ada@example.com" };
    expect((await logIn()).body.user.id).toBe(ada.user.id);
  });

  it("finishes only in the browser that began, once, and within ten minutes", async () => {
    const { start, cookieOf, back, provider, clock } = await open();
    const left = await start();
    const returned = await provider.browse(left.headers.get("location") ?? "");
    for (const cookie of ["", cookieOf(await start()), `${cookieOf(left)}x`]) {
      const refused = await back(returned, cookie);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({ code: "AUTH_TOKEN_INVALID" });
    }
    expect((await back(returned, cookieOf(left))).status).toBe(302);
    expect((await back(returned, cookieOf(left))).status).toBe(401);
    const late = await start();
    const lateReturn = await provider.browse(late.headers.get("location") ?? "");
    clock.advance(10 * MINUTE_MS);
    expect((await back(lateReturn, cookieOf(late))).status).toBe(401);
  });

  it("believes no answer that is not to its own question: another code, another issuer, another state", async () => {
    const { start, cookieOf, back, provider } = await open();
    const attempt = async (change: (url: URL) => void) => {
      const left = await start();
      const url = await provider.browse(left.headers.get("location") ?? "");
      change(url);
      const answer = await back(url, cookieOf(left));
      return answer.status === 302
        ? new URL(answer.headers.get("location") ?? "").searchParams.get("error")
        : answer.status;
    };
    const foreign = await provider.browse((await start()).headers.get("location") ?? "");
    expect(await attempt((url) => url.searchParams.set("code", foreign.searchParams.get("code") ?? ""))).toBe(
      "AUTH_PROVIDER_FAILED",
    );
    expect(await attempt((url) => url.searchParams.set("iss", "https://evil.example"))).toBe("AUTH_PROVIDER_FAILED");
    expect(await attempt((url) => url.searchParams.set("code", "x"))).toBe("AUTH_PROVIDER_FAILED");
    expect(await attempt((url) => url.searchParams.set("state", "os_x"))).toBe(401);
  });

  it("gives the application a code that is good once, for two minutes, and only with its verifier where it has one", async () => {
    const { travel, exchange, clock } = await open();
    const once = (await travel()).searchParams.get("code");
    expect((await exchange(once)).status).toBe(200);
    expect((await exchange(once)).status).toBe(401);
    const late = (await travel()).searchParams.get("code");
    clock.advance(2 * MINUTE_MS);
    expect((await exchange(late)).status).toBe(401);
    // RFC 7636, appendix B.
    const codeChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const codeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const stolen = (await travel({ codeChallenge })).searchParams.get("code");
    expect((await exchange(stolen)).status).toBe(401);
    const own = (await travel({ codeChallenge })).searchParams.get("code");
    expect((await exchange(own, { codeVerifier })).status).toBe(200);
  });

  it("sends the browser only where the project says", async () => {
    const { start, shop } = await open();
    for (const redirectTo of [
      "https://evil.example/",
      "https://app.example.com/callback/../x",
      "javascript:alert(1)",
    ]) {
      expect(await start({ redirectTo })).toMatchObject({ status: 400, body: { field: "redirectTo" } });
    }
    expect((await start({}, "other")).status).toBe(404);
    expect((await start({}, "__proto__")).status).toBe(404);
    expect((await shop.auth("GET", "/oauth/company")).status).toBe(400);
  });

  it("tells the application that the person said no, without what the provider wrote", async () => {
    const { travel, state } = await open();
    state.refuses = true;
    const url = await travel();
    expect(Object.fromEntries(url.searchParams)).toEqual({
      error: "access_denied",
      type: "oauth",
      provider: "company",
    });
  });

  it("connects a provider to who is logged in, and nobody else's identity", async () => {
    const { shop, provider, cookieOf, app, state, exchange } = await open();
    const { body: ada } = await shop.register("ada@example.com");
    state.account = { sub: "9", email: "other@example.com", email_verified: true };
    const connect = async (token: string) => {
      const { body } = await shop.auth("POST", "/me/identities/company", { token, body: { redirectTo: APP } });
      const { pathname, search } = new URL(body.url);
      const left = await app.request(`${pathname}${search}`);
      const returned = await provider.browse(left.headers.get("location") ?? "");
      const answer = await app.request(`${returned.pathname}${returned.search}`, {
        headers: { cookie: cookieOf(left) },
      });
      return new URL(answer.headers.get("location") ?? "").searchParams;
    };
    const { body: same } = await exchange((await connect(ada.token)).get("code"));
    expect(same.user).toMatchObject({ id: ada.user.id, email: "ada@example.com" });
    const { body: bob } = await shop.register("bob@example.com");
    expect((await connect(bob.token)).get("error")).toBe("AUTH_USER_EXISTS");
    const { body: list } = await shop.auth("GET", "/me/identities", { token: ada.token });
    expect(list.identities).toMatchObject([{ provider: "company" }]);
    expect((await shop.auth("DELETE", "/me/identities/company", { token: ada.token })).status).toBe(200);
    expect((await shop.auth("DELETE", "/me/identities/company", { token: ada.token })).status).toBe(404);
  });

  it("does not disconnect the only way in", async () => {
    const { shop, logIn, state } = await open();
    state.account = { sub: "7", name: "Nobody" };
    const { body } = await logIn();
    const refused = await shop.auth("DELETE", "/me/identities/company", { token: body.token });
    expect(refused).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  });

  it("makes an anonymous user somebody who keeps what is theirs", async () => {
    const { shop, provider, cookieOf, app, exchange } = await open();
    await shop.set({ anonymous: { enabled: true } });
    const { body: guest } = await shop.auth("POST", "/anonymous", { body: {} });
    const { body } = await shop.auth("POST", "/me/identities/company", {
      token: guest.token,
      body: { redirectTo: APP },
    });
    const { pathname, search } = new URL(body.url);
    const left = await app.request(`${pathname}${search}`);
    const returned = await provider.browse(left.headers.get("location") ?? "");
    const answer = await app.request(`${returned.pathname}${returned.search}`, { headers: { cookie: cookieOf(left) } });
    const { body: known } = await exchange(new URL(answer.headers.get("location") ?? "").searchParams.get("code"));
    expect(known.user).toMatchObject({ id: guest.user.id, isAnonymous: false, email: "ada@example.com" });
  });

  it("keeps to the project's rules: closed sign-up, age, blocked users", async () => {
    const { shop, travel, logIn, exchange, sql } = await open();
    await shop.set({ signUp: "closed" });
    expect((await travel()).searchParams.get("error")).toBe("FORBIDDEN");
    await shop.set({ signUp: "open", requireAgeConfirmation: true });
    expect((await travel()).searchParams.get("error")).toBe("VALIDATION_ERROR");
    expect((await travel({ ageConfirmed: "false" })).searchParams.get("error")).toBe("FORBIDDEN");
    expect((await logIn({ ageConfirmed: "true" })).status).toBe(200);
    const code = (await travel()).searchParams.get("code");
    await sql.db.updateTable("end_users").set({ blocked_at: 1 }).execute();
    expect(await exchange(code)).toMatchObject({ status: 403, body: { code: "AUTH_USER_BLOCKED" } });
  });

  it("keeps client secrets to itself and asks for what is missing", async () => {
    const { shop, provider } = await open();
    const path = `/api/v1/projects/${shop.id}/auth/settings`;
    const { body } = await shop.developer.call("GET", path);
    expect(JSON.stringify(body)).not.toContain(OIDC_CLIENT.clientSecret);
    expect(body.secrets).toEqual(["providers.company.clientSecret"]);
    const half = await shop.set({ providers: { google: { type: "google", clientId: "x" } } });
    expect(half.body.error.details.fieldErrors).toHaveProperty(["providers.google.clientSecret"]);
    for (const issuer of ["http://idp.example.com", "ftp://x", `${provider.issuer}/?a=1`, "https://u:p@x#y"]) {
      const wrong = await shop.set({ providers: { other: { type: "oidc", issuer, ...OIDC_CLIENT } } });
      expect(wrong.status, issuer).toBe(400);
    }
  });

  it("says so when the provider does not answer as one", async () => {
    const { shop, start, provider } = await open();
    await provider.close();
    cleanups.splice(-1, 1);
    const answer = await start();
    expect(answer).toMatchObject({ status: 502, body: { code: "AUTH_PROVIDER_FAILED" } });
    expect(answer.body.message).not.toContain("ECONNREFUSED");
    expect((await shop.auth("GET", "/config")).body.providers).toMatchObject([{ id: "company" }]);
  });

  it("logs in by GitHub with its confirmed main address", async () => {
    const asked: string[] = [];
    const github = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on("data", (chunk: Buffer) => chunks.push(chunk));
      req.on("end", () => {
        asked.push(`${req.method} ${req.url} ${req.headers.authorization ?? ""} ${Buffer.concat(chunks)}`);
        const answers: Record<string, unknown> = {
          "/login/oauth/access_token": { access_token: "gho_1", token_type: "bearer", scope: "user:email" },
          "/user": { id: 42, login: "ada", name: null, email: "public@example.com" },
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
    const { shop, start, cookieOf, back, exchange } = await open({ github: { web: base, api: base } });
    await shop.set({ providers: { github: { type: "github", clientId: "gh", clientSecret: "gh secret" } } });
    const left = await start({}, "github");
    const url = new URL(left.headers.get("location") ?? "");
    expect(url.searchParams.get("code_challenge_method")).toBe("S256");
    const returned = new URL(url.searchParams.get("redirect_uri") ?? "");
    returned.searchParams.set("code", "c1");
    returned.searchParams.set("state", url.searchParams.get("state") ?? "");
    const answer = await back(returned, cookieOf(left));
    const { body } = await exchange(new URL(answer.headers.get("location") ?? "").searchParams.get("code"));
    expect(body.user).toMatchObject({ email: "old@example.com", emailVerified: true, name: "ada" });
    expect(asked[0]).toMatch(/code_verifier=[\w-]{43}/);
    expect(asked.slice(1).map((line) => line.split(" ").slice(0, 4).join(" "))).toEqual([
      "GET /user Bearer gho_1",
      "GET /user/emails Bearer gho_1",
    ]);
  });

  it("tells a log-in screen what the project offers", async () => {
    const { shop, company } = await open();
    await shop.set({ providers: { company: { ...company, name: "Company" }, off: { ...company, enabled: false } } });
    const { status, body } = await shop.auth("GET", "/config");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      appName: "Shop",
      signUp: "open",
      password: { minLength: 8, requireDigit: true },
      otp: { email: true, phone: true },
      providers: [
        {
          id: "company",
          type: "oidc",
          name: "Company",
          url: `${ORIGIN}/api/v1/public/projects/${shop.id}/auth/oauth/company`,
        },
      ],
    });
    expect(JSON.stringify(body)).not.toContain(
      OIDC_CLIENT.clientId === "shop" ? "client-secret" : OIDC_CLIENT.clientId,
    );
    expect((await shop.register("ada@example.com", { password: TEST_PASSWORD })).status).toBe(201);
  });
});
