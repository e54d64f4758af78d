import { expect, it } from "vitest";
import type { MessageSender } from "../kernel/messages/message.ts";
import { migrate } from "../kernel/sql/index.ts";
import { describeEachDialect } from "../kernel/sql/testing.ts";
import { migrations } from "../migrations.ts";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { AccountTables } from "./tables.ts";

const HOUR_MS = 60 * 60_000;
const EMAIL = "ada@example.com";

describeEachControlDatabase("verifying an account's e-mail address", (openDatabase) => {
  async function open(canSendMail = true) {
    const database = await openDatabase();
    const sql = database.withTables<AccountTables>();
    const test = await createTestApp(database, { canSendMail });
    const ada = await test.createDeveloper(EMAIL);
    const verify = (token: string) => test.call("POST", "/api/auth/verify-email", { body: { token } });
    const resend = (email = EMAIL) => test.call("POST", "/api/auth/verify-email/resend", { body: { email } });
    const isVerified = async () =>
      (await test.call("GET", "/api/auth/me", { headers: { "x-api-key": ada.accountKey } })).body.user.emailVerified;
    async function readTokens() {
      const mails = (await test.readMail(EMAIL)).filter(({ kind }) => kind === "verify-email");
      return mails.map(({ text }) => /http:\/\/aerostack\.test\/verify-email#token=(\w+)/.exec(text)?.[1] ?? "");
    }
    return { ...test, sql, ada, verify, resend, isVerified, readTokens };
  }

  it("needs the link of the mail that a new account gets, which works once", async () => {
    const { call, ada, verify, isVerified, readTokens, sql } = await open();
    expect(await isVerified()).toBe(false);
    const [token = ""] = await readTokens();
    expect((await call("GET", "/verify-email")).body).toContain("/api/auth/verify-email");
    expect((await verify(token)).body).toEqual({ success: true });
    expect(await isVerified()).toBe(true);
    expect((await verify(token)).body.code).toBe("AUTH_TOKEN_INVALID");
    const { db } = sql.withTables<{ audit_entries: { action: string; actor_id: string } }>();
    const entries = db.selectFrom("audit_entries").selectAll().where("action", "=", "account.email_verified");
    expect(await entries.execute()).toMatchObject([{ actor_id: ada.user.id }]);
  });

  it("P27 stores the link's token as a hash alone, and names it in no log line", async () => {
    const { verify, readTokens, logLines, sql } = await open();
    const [token = ""] = await readTokens();
    expect(token.length).toBeGreaterThan(40);
    expect(JSON.stringify(await sql.db.selectFrom("account_tokens").selectAll().execute())).not.toContain(token);
    await verify(token);
    expect(logLines.join("")).not.toContain(token);
  });

  it("takes no link after a day, and none that is for something else", async () => {
    const { call, verify, isVerified, readTokens, readMail, clock } = await open();
    const [token = ""] = await readTokens();
    const newPassword = "Another-Horse-8";
    const other = await call("POST", "/api/auth/password/reset", { body: { token, newPassword } });
    expect(other.body.code).toBe("AUTH_RESET_TOKEN_INVALID");
    await call("POST", "/api/auth/password/forgot", { body: { email: EMAIL } });
    const mail = (await readMail(EMAIL)).find(({ kind }) => kind === "reset-password");
    expect((await verify(/token=(\w+)/.exec(mail?.text ?? "")?.[1] ?? "")).body.code).toBe("AUTH_TOKEN_INVALID");
    clock.advance(24 * HOUR_MS);
    expect((await verify(token)).body.code).toBe("AUTH_TOKEN_INVALID");
    expect(await isVerified()).toBe(false);
  });

  it("sends another link, answers an unknown and a verified address alike, and takes three requests a minute", async () => {
    const { resend, verify, readTokens, readMail, clock } = await open();
    const known = await resend();
    const unknown = await resend("bob@example.com");
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body]);
    expect(await readMail("bob@example.com")).toEqual([]);
    const [first = "", second = ""] = await readTokens();
    expect((await verify(second)).status).toBe(200);
    expect((await verify(first)).body.code).toBe("AUTH_TOKEN_INVALID");
    expect((await resend()).body).toEqual(known.body);
    expect(await readTokens()).toHaveLength(2);
    expect((await resend()).status).toBe(200);
    expect((await resend()).status).toBe(429);
    clock.advance(2 * 60_000);
    expect((await resend()).status).toBe(200);
  });

  it("is done by a new password that came by mail; keys that were made before are void then", async () => {
    const { call, ada, sql, readMail } = await open();
    await call("POST", "/api/auth/password/forgot", { body: { email: EMAIL } });
    const mail = (await readMail(EMAIL)).find(({ kind }) => kind === "reset-password");
    const token = /token=(\w+)/.exec(mail?.text ?? "")?.[1];
    const body = { token, newPassword: "Another-Horse-8" };
    expect((await call("POST", "/api/auth/password/reset", { body })).status).toBe(200);
    const [account] = await sql.db.selectFrom("accounts").selectAll().execute();
    expect(account?.email_verified_at).not.toBeNull();
    // Whoever registered an address that is not theirs keeps no way in.
    expect((await call("GET", "/api/auth/me", { headers: { "x-api-key": ada.accountKey } })).status).toBe(401);
  });

  it("mails nothing at sign-up where nobody can send it", async () => {
    const { readTokens } = await open(false);
    expect(await readTokens()).toEqual([]);
  });

  it("P14 sends the mail of the sign-up by the installation's sender", async () => {
    const sent: string[] = [];
    const mailSender: MessageSender = { name: "test", send: async (message) => void sent.push(message.to) };
    const test = await createTestApp(await openDatabase(), { mailSender });
    await test.createDeveloper(EMAIL);
    await test.readMail();
    expect(sent).toEqual([EMAIL]);
  });
});

describeEachDialect("verification of e-mail addresses that were there before", (openDatabase) => {
  it("counts the addresses as verified", async () => {
    const database = await openDatabase();
    const before = Object.entries(migrations.control).filter(([name]) => name < "0022");
    await migrate(database, "control", Object.fromEntries(before));
    const old = { id: "usr_01old", email: EMAIL, name: null, password_hash: "x", is_admin: 0 };
    const { db } = database.withTables<{ accounts: Record<string, unknown> }>();
    await db
      .insertInto("accounts")
      .values({ ...old, created_at: 5, updated_at: 5 })
      .execute();
    await migrate(database, "control", migrations.control);
    expect(await db.selectFrom("accounts").selectAll().execute()).toMatchObject([{ email_verified_at: 5 }]);
  });
});
