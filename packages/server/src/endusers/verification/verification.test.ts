import { expect, it } from "vitest";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { createEndUserTest, type EndUserTestOptions, linkIn, ORIGIN, tokenIn } from "../testing.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OTHER_PASSWORD = "Another-Word-9";

describeEachControlDatabase("confirming an address and resetting a password", (openDatabase) => {
  async function open(options: EndUserTestOptions = {}) {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql, options);
    const shop = await test.createProject();
    const verify = (token: string) => shop.auth("GET", `/verify-email?token=${encodeURIComponent(token)}`);
    const requestReset = (email: string, extra = {}) =>
      shop.auth("POST", "/reset-password-request", { body: { email, ...extra } });
    const reset = (token: string, newPassword: string) =>
      shop.auth("POST", "/reset-password", { body: { token, newPassword } });
    return { ...test, sql: sql.withTables<EndUserTables>(), shop, verify, requestReset, reset };
  }

  it("confirms the address of a new user by the link in their mail, once", async () => {
    const { shop, verify } = await open();
    const { body } = await shop.register("ada@example.com");
    const [mail] = await shop.outbox();
    expect(mail).toMatchObject({ kind: "verify-email", status: "held", message: { to: "ada@example.com" } });
    expect(mail?.message.subject).toContain("Shop");
    expect(linkIn(mail).href).toMatch(`${ORIGIN}/api/v1/public/projects/${shop.id}/auth/pages/verify-email?token=ev_`);
    const verified = await verify(tokenIn(mail));
    expect(verified).toMatchObject({ status: 200, body: { success: true, message: expect.any(String) } });
    const me = await shop.auth("GET", "/me", { token: body.token });
    expect(me.body).toMatchObject({ emailVerified: true, email_verified_at: expect.any(String) });
    expect(await verify(tokenIn(mail))).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID" } });
  });

  it("gives no tokens before the address is confirmed, where the project asks for it", async () => {
    const { shop, verify } = await open();
    await shop.set({ requireEmailVerification: true });
    const registered = await shop.register("ada@example.com");
    expect(registered).toMatchObject({ status: 201, body: { success: true, requiresVerification: true } });
    expect(registered.body).not.toHaveProperty("token");
    const early = await shop.login("ada@example.com");
    expect(early).toMatchObject({ status: 403, body: { code: "AUTH_EMAIL_NOT_VERIFIED" } });
    expect((await shop.login("ada@example.com", "Wrong-Word-1")).status).toBe(401);
    await verify(tokenIn((await shop.outbox())[0]));
    expect((await shop.login("ada@example.com")).status).toBe(200);
  });

  it("answers a sign-up with an address that has a user as any other, and tells the owner by mail", async () => {
    const { shop, verify } = await open();
    await shop.set({ requireEmailVerification: true });
    const first = await shop.register("ada@example.com");
    await verify(tokenIn((await shop.outbox())[0]));
    const second = await shop.register("ada@example.com", { password: OTHER_PASSWORD });
    expect({ ...second.body }).toEqual({ ...first.body });
    expect(second.status).toBe(first.status);
    expect((await shop.outbox())[0]).toMatchObject({ kind: "account-exists", message: { to: "ada@example.com" } });
    expect((await shop.login("ada@example.com")).status).toBe(200);
  });

  it("does not tell by a sign-up and a log-in whether the address had a user, however often they are tried", async () => {
    const { shop, verify, clock } = await open();
    await shop.set({ requireEmailVerification: true });
    await shop.register("taken@example.com");
    await verify(tokenIn((await shop.outbox())[0]));
    const probe = async (email: string) => {
      const seen = [];
      for (const password of ["Strangers-Word-1", "Strangers-Word-2"])
        seen.push(await shop.register(email, { password }));
      for (const password of ["Strangers-Word-1", "Strangers-Word-2", "Strangers-Word-3"]) {
        clock.advance(5 * 60_000);
        seen.push(await shop.login(email, password));
      }
      return seen.map(({ status, body }) => ({ status, ...body, requestId: "" }));
    };
    const answers = await probe("taken@example.com");
    expect(answers).toEqual(await probe("new@example.com"));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 401, 403, 401]);
    // Nothing of it is in the owner's way, who has forgotten that they signed up and tries with the password that they have.
    await shop.register("taken@example.com");
    clock.advance(15 * 60_000);
    expect((await shop.login("taken@example.com")).status).toBe(200);
  });

  it("takes the same time for a sign-up and a log-in, whether the address has a user or not", async () => {
    const { shop, verify, clock, call, endUsers } = await open({ passwordIterations: 100_000 });
    await shop.set({ requireEmailVerification: true });
    await shop.register("taken@example.com");
    await verify(tokenIn((await shop.outbox())[0]));
    // What an answer does not wait for is not its time.
    const timed = async (path: string, email: string) => {
      clock.advance(15 * 60_000);
      const body = { email, password: OTHER_PASSWORD };
      const startedAt = performance.now();
      const { status } = await call("POST", `/api/v1/public/projects/${shop.slug}/auth/${path}`, { body });
      const ms = performance.now() - startedAt;
      expect(status).toBe(path === "register" ? 201 : 403);
      await endUsers.idle();
      return ms;
    };
    const fastest = { takenSignUp: Infinity, newSignUp: Infinity, takenLogIn: Infinity, newLogIn: Infinity };
    const note = (name: keyof typeof fastest, ms: number) => {
      fastest[name] = Math.min(fastest[name], ms);
    };
    // One derivation more or less would be half or twice the time of either.
    const isAlike = (left: number, right: number) => left / right > 0.7 && left / right < 1.4;
    const areAlike = () =>
      isAlike(fastest.takenSignUp, fastest.newSignUp) && isAlike(fastest.takenLogIn, fastest.newLogIn);
    // In turns, and the fastest of many: whatever else the machine does only ever makes a request slower. On one that is
    // busy more are taken, of which one is undisturbed; work that is done for one of them only is never undone by that.
    for (let i = 0; i < 8 || (i < 60 && !areAlike()); i++) {
      const fresh = `new-${i}@example.com`;
      note("takenSignUp", await timed("register", "taken@example.com"));
      note("newSignUp", await timed("register", fresh));
      note("takenLogIn", await timed("login", "taken@example.com"));
      note("newLogIn", await timed("login", fresh));
    }
    expect({ ...fastest, areAlike: areAlike() }).toMatchObject({ areAlike: true });
  });

  it("sends the link again to who waits for it, answers everybody alike, three times a minute", async () => {
    const { shop } = await open();
    await shop.register("ada@example.com");
    const resend = (email: string) => shop.auth("POST", "/resend-verification", { body: { email } });
    const waiting = await resend("ada@example.com");
    const unknown = await resend("nobody@example.com");
    expect(waiting.status).toBe(200);
    expect(unknown.body).toEqual(waiting.body);
    expect((await shop.outbox()).map(({ message }) => message.to)).toEqual(["ada@example.com", "ada@example.com"]);
    for (let i = 0; i < 2; i++) expect((await resend("nobody@example.com")).status).toBe(200);
    expect((await resend("nobody@example.com")).status).toBe(429);
  });

  it("takes no link after a day, of another project, or of an address that was changed", async () => {
    const { shop, verify, createProject, clock, sql } = await open();
    await shop.register("ada@example.com");
    const token = tokenIn((await shop.outbox())[0]);
    const other = await createProject("Other");
    expect((await other.auth("GET", `/verify-email?token=${token}`)).status).toBe(401);
    await sql.db.updateTable("end_users").set({ email: "new@example.com" }).execute();
    expect((await verify(token)).status).toBe(401);
    await sql.db.updateTable("end_users").set({ email: "ada@example.com" }).execute();
    clock.advance(24 * HOUR_MS);
    expect((await verify(token)).status).toBe(401);
  });

  it("sets a new password by the link, once and within an hour, and ends every session", async () => {
    const { shop, requestReset, reset, clock } = await open();
    const { body } = await shop.register("ada@example.com");
    await requestReset("ada@example.com");
    const mail = (await shop.outbox())[0];
    expect(mail?.kind).toBe("reset-password");
    const weak = await reset(tokenIn(mail), "weak");
    expect(weak).toMatchObject({ status: 400, body: { code: "AUTH_PASSWORD_WEAK", field: "newPassword" } });
    expect(await reset(tokenIn(mail), OTHER_PASSWORD)).toMatchObject({ status: 200, body: { success: true } });
    expect((await shop.auth("GET", "/me", { token: body.token })).status).toBe(401);
    expect((await shop.auth("POST", "/refresh", { body: { refreshToken: body.refreshToken } })).status).toBe(401);
    expect((await shop.login("ada@example.com")).status).toBe(401);
    expect((await shop.login("ada@example.com", OTHER_PASSWORD)).body.user.emailVerified).toBe(true);
    const again = await reset(tokenIn(mail), TEST_PASSWORD);
    expect(again).toMatchObject({ status: 400, body: { code: "AUTH_RESET_TOKEN_INVALID" } });
    await requestReset("ada@example.com");
    const late = tokenIn((await shop.outbox())[0]);
    clock.advance(HOUR_MS);
    expect((await reset(late, TEST_PASSWORD)).status).toBe(400);
  });

  it("uses up all links to a new password with the first", async () => {
    const { shop, requestReset, reset } = await open();
    await shop.register("ada@example.com");
    const tokens: string[] = [];
    for (let i = 0; i < 2; i++) {
      await requestReset("ada@example.com");
      tokens.push(tokenIn((await shop.outbox())[0]));
    }
    expect((await reset(tokens[1] ?? "", OTHER_PASSWORD)).status).toBe(200);
    expect((await reset(tokens[0] ?? "", OTHER_PASSWORD)).status).toBe(400);
  });

  it("answers a request for a new password alike for users and nobody, and sends nobody anything", async () => {
    const { shop, requestReset } = await open();
    await shop.register("ada@example.com");
    const known = await requestReset("ada@example.com");
    const unknown = await requestReset("nobody@example.com");
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body]);
    expect((await shop.outbox()).filter(({ message }) => message.to === "nobody@example.com")).toEqual([]);
    for (let i = 0; i < 2; i++) await requestReset("nobody@example.com");
    expect((await requestReset("nobody@example.com")).status).toBe(429);
  });

  it("leads links to the application's site, or where the caller says if that is on the project's list", async () => {
    const { shop, requestReset, clock } = await open();
    await shop.register("ada@example.com");
    const linkFor = async (extra = {}) => {
      clock.advance(16 * MINUTE_MS);
      const answer = await requestReset("ada@example.com", extra);
      return answer.status === 200 ? linkIn((await shop.outbox())[0]) : answer;
    };
    await shop.set({ urls: { site: "https://app.example.com/welcome?lang=en", redirects: ["shop://reset"] } });
    const toSite = (await linkFor()) as URL;
    expect(toSite.href).toMatch(/^https:\/\/app\.example\.com\/welcome\?lang=en&token=pr_\w+&type=reset-password$/);
    expect(((await linkFor({ redirectTo: "shop://reset" })) as URL).href).toMatch(/^shop:\/\/reset\?token=pr_/);
    for (const redirectTo of [
      "https://evil.example/",
      "https://app.example.com.evil.example/welcome",
      "//evil.example",
    ]) {
      expect(await linkFor({ redirectTo })).toMatchObject({ status: 400, body: { field: "redirectTo" } });
    }
  });

  it("leads to a page of its own where the project has no site, which asks before it does anything", async () => {
    const { shop } = await open();
    await shop.set({ appName: "<b>Ada's</b>" });
    for (const page of ["verify-email", "reset-password"]) {
      const { status, headers, body } = await shop.auth("GET", `/pages/${page}?token=ev_x`);
      expect(status).toBe(200);
      expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'nonce-/);
      expect(body).toContain("&lt;b&gt;Ada&#39;s&lt;/b&gt;");
      expect(body).not.toContain("ev_x");
      expect(body).not.toMatch(/(?:src|href)="(?!data:)/);
    }
    expect((await shop.auth("GET", "/me")).status).toBe(401);
  });

  it("P27 stores a link's token as SHA-256 only", async () => {
    const { shop, sql } = await open();
    await shop.register("ada@example.com");
    const token = tokenIn((await shop.outbox())[0]);
    const rows = await sql.db.selectFrom("end_user_tokens").selectAll().execute();
    expect(rows[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(rows)).not.toContain(token);
  });
});
