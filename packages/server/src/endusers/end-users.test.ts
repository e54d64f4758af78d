import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, it } from "vitest";
import { createPasswordHasher } from "../kernel/crypto/password-hash.ts";
import { TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { EndUserTables } from "./tables.ts";
import { createEndUserTest, ORIGIN } from "./testing.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

describeEachControlDatabase("end users", (openDatabase) => {
  async function open(options = {}) {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql, options);
    return { ...test, sql: sql.withTables<EndUserTables>(), shop: await test.createProject() };
  }

  it("registers, logs in and tells who is logged in, by slug and by id, whatever the case of the address", async () => {
    const { shop, auth } = await open();
    const registered = await shop.register(" Ada@Example.com ", { name: "Ada", customFields: { plan: "pro" } });
    expect(registered.status).toBe(201);
    expect(registered.body).toMatchObject({
      success: true,
      token: registered.body.accessToken,
      refreshToken: expect.stringMatching(/^rt_/),
      user: {
        email: "ada@example.com",
        name: "Ada",
        emailVerified: false,
        email_verified_at: null,
        customFields: { plan: "pro" },
        profile_extras: { plan: "pro" },
        avatar_url: null,
      },
    });
    expect(registered.body.user.createdAt).toBe(registered.body.user.created_at);
    const login = await auth({ slug: shop.id }, "POST", "/login", {
      body: { email: "ADA@example.com", password: TEST_PASSWORD },
    });
    expect(login.status).toBe(200);
    const me = await shop.auth("GET", "/me", { token: login.body.token });
    expect(me.body).toMatchObject({ id: registered.body.user.id, email: "ada@example.com" });
    expect(me.body.user.id).toBe(registered.body.user.id);
  });

  it("keeps the users of two projects apart: the same address, other passwords, and no token opens the other", async () => {
    const { shop, createProject } = await open();
    const other = await createProject("Other");
    const here = await shop.register("ada@example.com");
    const there = await other.register("ada@example.com", { password: "Another-Word-9" });
    expect(there.status).toBe(201);
    expect(there.body.user.id).not.toBe(here.body.user.id);
    expect((await other.login("ada@example.com")).status).toBe(401);
    const crossed = await other.auth("GET", "/me", { token: here.body.token });
    expect(crossed).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID" } });
    const refresh = { body: { refreshToken: here.body.refreshToken } };
    expect((await other.auth("POST", "/refresh", refresh)).status).toBe(401);
    expect((await shop.auth("POST", "/refresh", refresh)).status).toBe(200);
  });

  it("refuses a second user with the same address, and says which field it is about where a field is wrong", async () => {
    const { shop } = await open();
    await shop.register("ada@example.com");
    expect(await shop.register("ADA@example.com")).toMatchObject({ status: 409, body: { code: "AUTH_USER_EXISTS" } });
    const wrong = await shop.register("nobody");
    expect(wrong).toMatchObject({
      status: 400,
      body: { code: "VALIDATION_ERROR", field: "email", details: { fieldErrors: { email: [expect.any(String)] } } },
    });
    expect(wrong.body.error).toBe(wrong.body.message);
  });

  it("registers one of many who take the same address at once", async () => {
    const { shop } = await open();
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.register("ada@example.com")));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  it("asks of passwords what the project asks", async () => {
    const { shop } = await open();
    const weak = await shop.register("a@example.com", { password: "short" });
    expect(weak).toMatchObject({ status: 400, body: { code: "AUTH_PASSWORD_WEAK", field: "password" } });
    expect(weak.body.message).toContain("at least 8 characters, an upper-case letter, a digit");
    await shop.set({ password: { minLength: 16, requireSymbol: true, requireDigit: false } });
    const longer = await shop.register("a@example.com", { password: "Correct Horse" });
    expect(longer.body.message).toContain("at least 16 characters, a symbol");
    expect((await shop.register("a@example.com", { password: "Correct-Horse-Battery" })).status).toBe(201);
  });

  it("refuses the passwords that are used most and those of the person's own name or address, unless the project wants them", async () => {
    const { shop } = await open();
    const answers = [];
    for (const [password, name] of [
      ["Password1!", "Ada"],
      ["Lovelace-1815", "Ada Lovelace"],
      ["Ada.Byron1815", "Ada"],
    ] as const) {
      const { status, body } = await shop.register("ada.byron@example.com", { password, name });
      answers.push([status, body.code, body.field]);
    }
    expect(answers).toEqual(Array(3).fill([400, "AUTH_PASSWORD_WEAK", "password"]));
    const { body } = await shop.register("ada.byron@example.com");
    const change = (newPassword: string) =>
      shop.auth("POST", "/me/password", {
        token: body.token,
        body: { currentPassword: TEST_PASSWORD, newPassword },
      });
    expect((await change("Password1!")).body).toMatchObject({ code: "AUTH_PASSWORD_WEAK", field: "newPassword" });
    await shop.set({ password: { refuseCommon: false } });
    expect((await change("Password1!")).status).toBe(200);
  });

  it("answers a wrong password, an unknown address and one without a password alike", async () => {
    const { shop, sql } = await open();
    await shop.register("ada@example.com");
    await shop.register("bob@example.com");
    await sql.db.updateTable("end_users").set({ password_hash: null }).where("email", "=", "bob@example.com").execute();
    const answers = await Promise.all(
      ["ada@example.com", "nobody@example.com", "bob@example.com"].map((email) => shop.login(email, "Wrong-Word-1")),
    );
    const [first] = answers;
    expect(first).toMatchObject({ status: 401, body: { code: "AUTH_INVALID_CREDENTIALS" } });
    for (const { status, body } of answers) {
      expect({ status, ...body, requestId: "" }).toEqual({ status: 401, ...first?.body, requestId: "" });
    }
  });

  it("hashes as much for an unknown address as for a wrong password, so that time does not tell them apart", async () => {
    const derivations: string[] = [];
    const hasher = createPasswordHasher(1_000);
    const { shop } = await open({
      hasher: {
        ...hasher,
        verify: (password: string, stored: string) => {
          derivations.push("verify");
          return hasher.verify(password, stored);
        },
        pretend: (password: string) => {
          derivations.push("pretend");
          return hasher.pretend(password);
        },
      },
    });
    await shop.register("ada@example.com");
    await shop.login("ada@example.com", "Wrong-Word-1");
    await shop.login("nobody@example.com", "Wrong-Word-1");
    expect(derivations).toEqual(["verify", "pretend"]);
  });

  it("P26 keeps an end user's password as PBKDF2 of 600,000 rounds, and hashes it again when the stored rounds are fewer", async () => {
    const { shop, sql } = await open({ hasher: createPasswordHasher() });
    await shop.register("ada@example.com");
    const stored = async () =>
      (await sql.db.selectFrom("end_users").select("password_hash").executeTakeFirstOrThrow()).password_hash;
    expect(await stored()).toMatch(/^pbkdf2-sha256\$600000\$/);
    const older = await createPasswordHasher(10_000).hash(TEST_PASSWORD);
    await sql.db.updateTable("end_users").set({ password_hash: older }).execute();
    expect((await shop.login("ada@example.com", "Wrong-Word-1")).status).toBe(401);
    expect(await stored()).toBe(older);
    expect((await shop.login("ada@example.com")).status).toBe(200);
    expect(await stored()).toMatch(/^pbkdf2-sha256\$600000\$/);
  });

  it("P27 stores no token and no password of an end user, only SHA-256 of them", async () => {
    const { shop, sql } = await open();
    const { body } = await shop.register("ada@example.com");
    const rows = JSON.stringify([
      await sql.db.selectFrom("end_users").selectAll().execute(),
      await sql.db.selectFrom("end_user_sessions").selectAll().execute(),
      await sql.db.selectFrom("end_user_signing_keys").selectAll().execute(),
    ]);
    for (const secret of [TEST_PASSWORD, body.token, body.refreshToken]) expect(rows).not.toContain(secret);
    expect(rows).toMatch(/"refresh_hash":"[0-9a-f]{64}"/);
    expect(rows).not.toContain('\\"d\\"');
  });

  it("P30 gives end users access tokens of 15 minutes that anybody can check with the published keys", async () => {
    const { shop, clock } = await open();
    const { body } = await shop.register("ada@example.com");
    expect(Date.parse(body.expiresAt)).toBe(Math.floor(clock.now() / 1_000) * 1_000 + 15 * MINUTE_MS);
    const published = await shop.auth("GET", "/.well-known/jwks.json");
    expect(Object.keys(published.body.keys[0]).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    const { payload, protectedHeader } = await jwtVerify(body.token, createLocalJWKSet(published.body), {
      issuer: `${ORIGIN}/api/v1/public/projects/${shop.id}/auth`,
      audience: shop.id,
      currentDate: new Date(clock.now()),
    });
    expect(protectedHeader.alg).toBe("ES256");
    expect(payload).toMatchObject({ sub: body.user.id, email: "ada@example.com", amr: ["pwd"], project_id: shop.id });
    clock.advance(15 * MINUTE_MS - 2_000);
    expect((await shop.auth("GET", "/me", { token: body.token })).status).toBe(200);
    clock.advance(3_000);
    const late = await shop.auth("GET", "/me", { token: body.token });
    expect(late).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_EXPIRED" } });
    const longer = await shop.set({ jwt: { accessTokenSeconds: 901 } });
    expect(longer).toMatchObject({ status: 400, body: { error: { code: "VALIDATION_ERROR" } } });
  });

  it("P30 rotates an end user's refresh tokens, and ends the family when an old one is used again", async () => {
    const { shop, clock } = await open();
    const { body: first } = await shop.register("ada@example.com");
    const { body: other } = await shop.login("ada@example.com");
    const refresh = (refreshToken: string) => shop.auth("POST", "/refresh", { body: { refreshToken } });
    clock.advance(MINUTE_MS);
    const second = await refresh(first.refreshToken);
    expect(second.status).toBe(200);
    expect(second.body.refreshToken).not.toBe(first.refreshToken);
    expect(second.body.user.email).toBe("ada@example.com");
    const again = await refresh(first.refreshToken);
    expect(again).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID" } });
    expect((await refresh(second.body.refreshToken)).status).toBe(401);
    expect((await shop.auth("GET", "/me", { token: second.body.token })).status).toBe(401);
    expect((await shop.auth("GET", "/me", { token: other.token })).status).toBe(200);
  });

  it("P30 lets one of many uses of a refresh token at once win, and ends the family of both", async () => {
    const { shop } = await open();
    const { body } = await shop.register("ada@example.com");
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => shop.auth("POST", "/refresh", { body: { refreshToken: body.refreshToken } })),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    const after = await shop.auth("POST", "/refresh", { body: { refreshToken: won[0]?.body.refreshToken } });
    expect(after.status).toBe(401);
  });

  it("ends nobody's session for a refresh token that somebody made up from its id", async () => {
    const { shop, sql } = await open();
    const { body } = await shop.register("ada@example.com");
    const { id } = await sql.db.selectFrom("end_user_sessions").select("id").executeTakeFirstOrThrow();
    const forged = `rt_${id}_${"0".repeat(26)}_${"0".repeat(32)}`;
    expect((await shop.auth("POST", "/refresh", { body: { refreshToken: forged } })).status).toBe(401);
    expect((await shop.auth("POST", "/refresh", { body: { refreshToken: body.refreshToken } })).status).toBe(200);
  });

  it("keeps a session for as many days as the project says after its last use", async () => {
    const { shop, clock } = await open();
    await shop.set({ jwt: { refreshTokenDays: 7 } });
    const { body } = await shop.register("ada@example.com");
    clock.advance(6 * DAY_MS);
    const second = await shop.auth("POST", "/refresh", { body: { refreshToken: body.refreshToken } });
    expect(second.status).toBe(200);
    clock.advance(7 * DAY_MS);
    const late = await shop.auth("POST", "/refresh", { body: { refreshToken: second.body.refreshToken } });
    expect(late).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_EXPIRED" } });
  });

  it("refuses a token of a session that ended, here at once and on another server within a second", async () => {
    const sql = await openDatabase();
    const here = await createEndUserTest(sql);
    const there = await createEndUserTest(sql, { clock: here.clock });
    const shop = await here.createProject();
    const { body } = await shop.register("ada@example.com");
    const onOther = () => there.auth(shop, "GET", "/me", { token: body.token });
    expect((await onOther()).status).toBe(200);
    const out = await shop.auth("POST", "/logout", { token: body.token, body: { accessToken: body.token } });
    expect(out.body).toEqual({ success: true });
    expect((await shop.auth("GET", "/me", { token: body.token })).status).toBe(401);
    here.clock.advance(1_000);
    expect((await onOther()).status).toBe(401);
    expect((await shop.auth("POST", "/refresh", { body: { refreshToken: body.refreshToken } })).status).toBe(401);
  });

  it("tells other capabilities who a token stands for, without the database after the first time", async () => {
    const { shop, endUsers, sql } = await open();
    const { body } = await shop.register("ada@example.com");
    const verified = await endUsers.verifyToken(shop.id, body.token);
    expect(verified).toMatchObject({ userId: body.user.id, email: "ada@example.com", emailVerified: false });
    expect(endUsers.verifyToken(shop.id, body.token)).not.toBeInstanceOf(Promise);
    expect(await endUsers.verifyToken("prj_other", body.token)).toBeNull();
    expect(await endUsers.verifyToken(shop.id, "sk_something")).toBeNull();
    expect(await endUsers.getUser(shop.id, body.user.id)).toMatchObject({ email: "ada@example.com" });
    expect(await endUsers.getUser("prj_other", body.user.id)).toBeNull();
    expect(await endUsers.getUserByEmail(shop.id, "ADA@example.com")).toMatchObject({ id: body.user.id });
    await sql.db.deleteFrom("end_users").execute();
    expect(await endUsers.getUser(shop.id, body.user.id)).toBeNull();
  });

  it("lists a user's sessions and ends one, all, and nobody else's", async () => {
    const { shop } = await open();
    const { body: ada } = await shop.register("ada@example.com");
    const { body: bob } = await shop.register("bob@example.com");
    const phone = await shop.auth("POST", "/login", {
      body: { email: "ada@example.com", password: TEST_PASSWORD },
      headers: { "user-agent": "Phone/1.0" },
      ip: "203.0.113.9",
    });
    const { body: list } = await shop.auth("GET", "/sessions", { token: ada.token });
    expect(list.sessions).toHaveLength(2);
    const other = list.sessions.find(({ current }: { current: boolean }) => !current);
    expect(other).toMatchObject({ userAgent: "Phone/1.0", ip: "203.0.113.9", methods: ["pwd"] });
    expect((await shop.auth("DELETE", `/sessions/${other.id}`, { token: bob.token })).status).toBe(404);
    expect((await shop.auth("DELETE", `/sessions/${other.id}`, { token: ada.token })).status).toBe(200);
    expect((await shop.auth("GET", "/me", { token: phone.body.token })).status).toBe(401);
    expect((await shop.auth("DELETE", "/sessions", { token: ada.token })).status).toBe(200);
    expect((await shop.auth("GET", "/me", { token: ada.token })).status).toBe(401);
    expect((await shop.auth("GET", "/me", { token: bob.token })).status).toBe(200);
  });

  it("signs with a new key after a rotation, and takes what the old one signed until it expires", async () => {
    const { shop, endUsers, clock } = await open();
    const { body: before } = await shop.register("ada@example.com");
    expect((await shop.developer.call("POST", `/api/v1/projects/${shop.id}/auth/keys/rotate`)).status).toBe(200);
    clock.advance(5_000);
    const { body: after } = await shop.login("ada@example.com");
    const kidOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid;
    expect(kidOf(after.token)).not.toBe(kidOf(before.token));
    for (const { token } of [before, after]) expect(await endUsers.verifyToken(shop.id, token)).not.toBeNull();
    expect((await shop.auth("GET", "/.well-known/jwks.json")).body.keys).toHaveLength(2);
    for (let round = 0; round < 2; round++) {
      clock.advance(DAY_MS);
      await shop.developer.call("POST", `/api/v1/projects/${shop.id}/auth/keys/rotate`);
    }
    const kids = (await shop.auth("GET", "/.well-known/jwks.json")).body.keys.map(({ kid }: { kid: string }) => kid);
    expect(kids).toHaveLength(2);
    expect(kids).not.toContain(kidOf(before.token));
  });

  it("limits attempts: ten log-ins a minute from an address, five in 15 minutes for an e-mail, five sign-ups a minute", async () => {
    const { shop, clock } = await open();
    const login = (email: string, ip?: string) =>
      shop.auth("POST", "/login", { body: { email, password: "Wrong-Word-1" }, ...(ip === undefined ? {} : { ip }) });
    for (let i = 0; i < 10; i++) expect((await login(`u${i}@example.com`, "192.0.2.1")).status).toBe(401);
    const eleventh = await login("u10@example.com", "192.0.2.1");
    expect(eleventh).toMatchObject({ status: 429, body: { code: "RATE_LIMIT_EXCEEDED" } });
    expect(Number(eleventh.headers.get("retry-after"))).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) expect((await login("ada@example.com")).status).toBe(401);
    expect((await login("ada@example.com")).status).toBe(429);
    clock.advance(14 * MINUTE_MS);
    expect((await login("ada@example.com")).status).toBe(429);
    clock.advance(3 * MINUTE_MS);
    expect((await login("ada@example.com")).status).toBe(401);
    const register = (n: number) =>
      shop.auth("POST", "/register", {
        body: { email: `n${n}@example.com`, password: TEST_PASSWORD },
        ip: "2001:db8::7",
      });
    for (let i = 0; i < 5; i++) expect((await register(i)).status).toBe(201);
    expect((await register(6)).status).toBe(429);
  });

  it("counts guesses from networks of the user by themselves: a stranger's do not keep the user out at home", async () => {
    const { shop } = await open();
    const home = "192.0.2.7";
    const body = { email: "ada@example.com", password: TEST_PASSWORD };
    expect((await shop.auth("POST", "/register", { body, ip: "198.51.100.9" })).status).toBe(201);
    expect((await shop.auth("POST", "/login", { body, ip: home })).status).toBe(200);
    const guess = (ip: string) => shop.auth("POST", "/login", { body: { ...body, password: "Wrong-Word-1" }, ip });
    for (let i = 0; i < 6; i++) await guess(`203.0.113.${i}`);
    expect((await guess("203.0.113.99")).status).toBe(429);
    expect((await shop.auth("POST", "/login", { body, ip: "203.0.113.99" })).status).toBe(429);
    expect((await shop.auth("POST", "/login", { body, ip: home })).status).toBe(200);
    // From there, too, there are five.
    for (let i = 0; i < 4; i++) expect((await guess(home)).status).toBe(401);
    expect((await guess(home)).status).toBe(429);
  });

  it("P42 refuses an end user who says to be under 16 and keeps nothing; asks everybody where the project wants it", async () => {
    const { shop, sql } = await open();
    expect(await shop.register("kid@example.com", { ageConfirmed: false })).toMatchObject({ status: 403 });
    expect(await sql.db.selectFrom("end_users").selectAll().execute()).toEqual([]);
    await shop.set({ requireAgeConfirmation: true });
    expect(await shop.register("ada@example.com")).toMatchObject({ status: 400, body: { field: "ageConfirmed" } });
    expect((await shop.register("ada@example.com", { ageConfirmed: true })).status).toBe(201);
  });

  it("takes no new users where sign-up is closed", async () => {
    const { shop } = await open();
    await shop.set({ signUp: "closed" });
    expect(await shop.register("ada@example.com")).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    await shop.set({ signUp: null });
    expect((await shop.register("ada@example.com")).status).toBe(201);
  });

  it("shows and changes its settings only to whoever manages the project, and refuses what is not a setting", async () => {
    const { shop, createProject } = await open();
    const other = await createProject("Other");
    const path = `/api/v1/projects/${shop.id}/auth/settings`;
    expect((await other.developer.call("GET", path)).status).toBe(404);
    expect((await other.developer.call("PATCH", path, { signUp: "closed" })).status).toBe(404);
    expect((await shop.set({ signup: "closed" })).status).toBe(400);
    expect((await shop.set({ password: { minLength: 3 } })).body.error.details.fieldErrors).toHaveProperty([
      "password.minLength",
    ]);
    const { body } = await shop.developer.call("GET", path);
    expect(body.settings).toMatchObject({
      signUp: "open",
      password: { minLength: 8 },
      jwt: { accessTokenSeconds: 900 },
    });
  });

  it("answers hostile input without a defect", async () => {
    const { shop, auth } = await open();
    const hostile = ["\u0000", "x".repeat(100_000), "../..", "'; drop table end_users; --", "\ud800", "__proto__"];
    for (const text of hostile) {
      const body = { email: text, password: text, name: text, customFields: { [text]: text } };
      expect([400, 413], text.slice(0, 20)).toContain((await shop.auth("POST", "/register", { body })).status);
      expect((await shop.auth("POST", "/refresh", { body: { refreshToken: text } })).status).toBeGreaterThanOrEqual(
        400,
      );
      expect((await shop.auth("GET", "/me", { token: `eyJ${encodeURIComponent(text.toWellFormed())}` })).status).toBe(
        401,
      );
      const slug = encodeURIComponent(text.toWellFormed().slice(0, 200));
      expect([400, 404]).toContain((await auth({ slug }, "POST", "/login", { body: {} })).status);
    }
    const big = await shop.register("ada@example.com", { customFields: { a: "x".repeat(9_000) } });
    expect(big).toMatchObject({ status: 400, body: { field: "customFields" } });
    const odd = await shop.register("eve@example.com", { customFields: { a: "\u0000\ud800" } });
    expect([201, 400]).toContain(odd.status);
  });

  it("opens no session for who was blocked while they logged in", async () => {
    const { shop, sql } = await open();
    await shop.register("ada@example.com");
    await sql.db.updateTable("end_users").set({ blocked_at: 1 }).execute();
    expect(await shop.login("ada@example.com")).toMatchObject({ status: 403, body: { code: "AUTH_USER_BLOCKED" } });
    expect((await shop.login("ada@example.com", "Wrong-Word-1")).status).toBe(401);
  });

  it("is gone with its project: tokens are refused at once", async () => {
    const { shop, endUsers, sql } = await open();
    const { body } = await shop.register("ada@example.com");
    expect(await endUsers.verifyToken(shop.id, body.token)).not.toBeNull();
    await shop.developer.call("DELETE", `/api/v1/projects/${shop.id}?confirm=${shop.slug}`);
    expect(await endUsers.verifyToken(shop.id, body.token)).toBeNull();
    expect((await shop.auth("GET", "/me", { token: body.token })).status).toBe(404);
    expect(await sql.db.selectFrom("end_users").selectAll().execute()).toEqual([]);
  });
});
