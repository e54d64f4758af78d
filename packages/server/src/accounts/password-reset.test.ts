import { expect, it } from "vitest";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { AccountTables } from "./tables.ts";

const NEW_PASSWORD = "Another-Horse-8";
const MINUTE_MS = 60_000;

describeEachControlDatabase("resetting the password", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const sql = database.withTables<AccountTables>();
    const test = await createTestApp(database);
    const ada = await test.createDeveloper("ada@example.com");
    const login = (password: string) =>
      test.call("POST", "/api/auth/login", { body: { email: "ada@example.com", password } });
    const forgot = (email = "ada@example.com") => test.call("POST", "/api/auth/password/forgot", { body: { email } });
    const reset = (token: string, newPassword = NEW_PASSWORD) =>
      test.call("POST", "/api/auth/password/reset", { body: { token, newPassword } });
    async function readTokens() {
      const mails = (await test.readMail("ada@example.com")).filter(({ kind }) => kind === "reset-password");
      return mails.map(({ text }) => /http:\/\/aerostack\.test\/reset-password#token=(\w+)/.exec(text)?.[1] ?? "");
    }
    return { ...test, sql, ada, login, forgot, reset, readTokens };
  }

  it("sets a new one by a link that works once, ends every session and tells the owner", async () => {
    const { call, ada, login, forgot, reset, readTokens, readMail, controlPlane, sql, clock } = await open();
    expect((await forgot(" ADA@example.com ")).body).toEqual({ success: true });
    const [token = ""] = await readTokens();
    expect((await call("GET", "/reset-password")).body).toContain("/api/auth/password/reset");
    clock.advance(1_000);
    expect((await reset(token)).body).toEqual({ success: true });

    expect((await call("GET", "/api/auth/me", { headers: ada.bearer })).status).toBe(401);
    const refreshed = await call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    expect(refreshed.status).toBe(401);
    expect((await login(TEST_PASSWORD)).status).toBe(401);
    expect((await login(NEW_PASSWORD)).status).toBe(200);
    expect((await reset(token, "Third-Horse-9")).body.code).toBe("AUTH_RESET_TOKEN_INVALID");
    expect((await login(NEW_PASSWORD)).status).toBe(200);

    expect((await readMail("ada@example.com")).at(-1)?.kind).toBe("password-changed");
    const notices = await controlPlane.notices.list(ada.user.id, { limit: 10, unread: false });
    expect(notices.items).toMatchObject([{ template: "password-changed" }]);
    const { db } = sql.withTables<{ audit_entries: { action: string; actor_id: string; target_id: string } }>();
    const entries = db.selectFrom("audit_entries").selectAll().where("action", "=", "account.password_reset");
    expect(await entries.execute()).toMatchObject([{ actor_id: ada.user.id, target_id: ada.user.id }]);
  });

  it("P27 stores the link's token as a hash alone, and names it in no log line", async () => {
    const { forgot, reset, readTokens, logLines, sql } = await open();
    await forgot();
    const [token = ""] = await readTokens();
    expect(token.length).toBeGreaterThan(40);
    const rows = await sql.db.selectFrom("account_tokens").selectAll().execute();
    expect(rows).toMatchObject([{ hash: expect.stringMatching(/^[\w-]{43,64}$/), kind: "reset-password" }]);
    expect(JSON.stringify(rows)).not.toContain(token);
    await reset(token);
    expect(await sql.db.selectFrom("account_tokens").selectAll().execute()).toEqual([]);
    expect(logLines.join("")).not.toContain(token);
  });

  it("answers an unknown address as a known one, and mails it nothing", async () => {
    const { forgot, readMail } = await open();
    const known = await forgot();
    const unknown = await forgot("bob@example.com");
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body]);
    expect(await readMail("bob@example.com")).toEqual([]);
  });

  it("takes three requests in 15 minutes for one address, known or not", async () => {
    const { forgot, clock } = await open();
    for (const email of ["ada@example.com", "bob@example.com"]) {
      for (let request = 0; request < 3; request++) expect((await forgot(email)).status).toBe(200);
      expect((await forgot(email)).status).toBe(429);
    }
    // The window slides: after two nothing of it is left.
    clock.advance(30 * MINUTE_MS);
    expect((await forgot()).status).toBe(200);
  });

  it("takes a weak password for none and leaves the link usable; takes no link after an hour", async () => {
    const { forgot, reset, readTokens, login, clock } = await open();
    await forgot();
    const [token = ""] = await readTokens();
    expect((await reset(token, "weak")).body).toMatchObject({
      code: "AUTH_PASSWORD_WEAK",
      details: { fieldErrors: { newPassword: [expect.any(String)] } },
    });
    clock.advance(60 * MINUTE_MS);
    expect((await reset(token)).body.code).toBe("AUTH_RESET_TOKEN_INVALID");
    expect((await login(TEST_PASSWORD)).status).toBe(200);
  });

  it("makes all earlier links void, and lets one of two who use a link at once win", async () => {
    const { forgot, reset, readTokens } = await open();
    await forgot();
    await forgot();
    const [first = "", second = ""] = await readTokens();
    const answers = await Promise.all([reset(second), reset(second, "Third-Horse-9")]);
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    expect((await reset(first)).body.code).toBe("AUTH_RESET_TOKEN_INVALID");
  });
});
