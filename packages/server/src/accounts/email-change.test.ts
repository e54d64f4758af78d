import { expect, it } from "vitest";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const OLD = "ada@old.example";
const NEW = "ada@new.example";
const DAY_MS = 24 * 60 * 60_000;
const PATH = "/api/auth/email/change";

describeEachControlDatabase("changing the e-mail address", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const test = await createTestApp(database);
    const ada = await test.createDeveloper(OLD);
    const request = (
      body: unknown = { newEmail: NEW, password: TEST_PASSWORD },
      headers: Record<string, string> = ada.bearer,
    ) => test.call("POST", PATH, { body, headers });
    async function tokenTo(address: string) {
      const links = (await test.readMail(address)).flatMap(
        ({ text }) => /email-change#token=(\w+)/.exec(text)?.[1] ?? [],
      );
      return links.at(-1) ?? "";
    }
    const confirm = (token: string) => test.call("POST", `${PATH}/confirm`, { body: { token } });
    const revoke = (token: string) => test.call("POST", `${PATH}/revoke`, { body: { token } });
    const login = (email: string, password = TEST_PASSWORD) =>
      test.call("POST", "/api/auth/login", { body: { email, password } });
    const emailOfAda = async () => (await test.controlPlane.accounts.require(ada.user.id)).email;
    const actions = async () =>
      await database
        .withTables<{ audit_entries: { action: string; before: string | null; after: string | null } }>()
        .db.selectFrom("audit_entries")
        .selectAll()
        .where("action", "like", "account.email_change%")
        .execute();
    return { ...test, ada, request, tokenTo, confirm, revoke, login, emailOfAda, actions };
  }

  it("needs the new address to confirm, and tells the old one before and after", async () => {
    const { call, ada, request, tokenTo, confirm, login, emailOfAda, readMail, actions } = await open();
    expect((await request()).body).toEqual({ success: true });
    expect(await emailOfAda()).toBe(OLD);
    const token = await tokenTo(NEW);
    expect((await confirm(token)).body).toEqual({ success: true });
    const { user } = (await call("GET", "/api/auth/me", { headers: ada.bearer })).body;
    expect(user).toMatchObject({ email: NEW, emailVerified: true });
    expect((await login(OLD)).status).toBe(401);
    expect((await login(NEW)).status).toBe(200);
    expect((await confirm(token)).body.code).toBe("AUTH_TOKEN_INVALID");
    expect((await readMail(OLD)).map(({ kind }) => kind)).toEqual(["email-change-requested"]);
    expect((await readMail(NEW)).map(({ kind }) => kind)).toContain("email-changed");
    const entries = await actions();
    expect(entries.map(({ action }) => action)).toEqual(["account.email_change_requested", "account.email_changed"]);
    // The log outlives the account: no address in it.
    expect(JSON.stringify(entries)).not.toContain("example");
  });

  it("is stopped by the old address, which throws out whoever asked", async () => {
    const { call, ada, request, tokenTo, confirm, revoke, login, emailOfAda, readMail } = await open();
    await request();
    const [stop, forNew] = [await tokenTo(OLD), await tokenTo(NEW)];
    expect((await revoke(stop)).body).toEqual({ success: true });
    expect((await confirm(forNew)).body.code).toBe("AUTH_TOKEN_INVALID");
    expect(await emailOfAda()).toBe(OLD);
    expect((await call("GET", "/api/auth/me", { headers: ada.bearer })).status).toBe(401);
    expect((await login(OLD)).status).toBe(401);
    const reset = (await readMail(OLD)).find(({ kind }) => kind === "reset-password")?.text ?? "";
    const token = /reset-password#token=(\w+)/.exec(reset)?.[1];
    await call("POST", "/api/auth/password/reset", { body: { token, newPassword: "Another-Horse-8" } });
    expect((await login(OLD, "Another-Horse-8")).status).toBe(200);
  });

  it("is taken back for a week, with the keys that were made since, however often it changed again", async () => {
    const { call, ada, request, tokenTo, confirm, revoke, emailOfAda, clock } = await open();
    clock.advance(1_000);
    await request();
    const stop = await tokenTo(OLD);
    await confirm(await tokenTo(NEW));
    const made = await call("POST", "/api/v1/account/keys", { body: { name: "thief" }, headers: ada.bearer });
    await request({ newEmail: "third@new.example", password: TEST_PASSWORD });
    await confirm(await tokenTo("third@new.example"));
    expect(await emailOfAda()).toBe("third@new.example");
    clock.advance(7 * DAY_MS - 2_000);
    expect((await revoke(stop)).status).toBe(200);
    expect(await emailOfAda()).toBe(OLD);
    const me = (key: string) => call("GET", "/api/auth/me", { headers: { "x-api-key": key } });
    expect((await me(made.body.secret)).status).toBe(401);
    expect((await me(ada.accountKey)).status).toBe(200);
    expect((await revoke(stop)).body.code).toBe("AUTH_TOKEN_INVALID");
  });

  it("takes no link that is too old", async () => {
    const { request, tokenTo, confirm, revoke, clock } = await open();
    await request();
    const [stop, forNew] = [await tokenTo(OLD), await tokenTo(NEW)];
    clock.advance(DAY_MS);
    expect((await confirm(forNew)).body.code).toBe("AUTH_TOKEN_INVALID");
    clock.advance(6 * DAY_MS);
    expect((await revoke(stop)).body.code).toBe("AUTH_TOKEN_INVALID");
  });

  it("does not tell whether an address has an account, and mails nothing to it", async () => {
    const { request, createDeveloper, readMail, confirm, tokenTo, emailOfAda } = await open();
    await createDeveloper("bob@example.com");
    const taken = await request({ newEmail: "bob@example.com", password: TEST_PASSWORD });
    expect([taken.status, taken.body]).toEqual([200, { success: true }]);
    expect(await readMail("bob@example.com")).toEqual([]);
    await request();
    const token = await tokenTo(NEW);
    await createDeveloper(NEW);
    expect((await confirm(token)).body.code).toBe("AUTH_USER_EXISTS");
    expect(await emailOfAda()).toBe(OLD);
  });

  it("needs the password and a session, and is asked for five times a quarter of an hour at most", async () => {
    const { ada, request, readMail, emailOfAda } = await open();
    expect((await request(undefined, { "x-api-key": ada.accountKey })).status).toBe(403);
    expect((await request(undefined, {})).status).toBe(401);
    expect((await request({ newEmail: NEW, password: "Wrong-1234" })).body.code).toBe("AUTH_INVALID_CREDENTIALS");
    expect((await request({ newEmail: "nonsense", password: TEST_PASSWORD })).status).toBe(400);
    expect((await request({ newEmail: ` ${OLD.toUpperCase()} `, password: TEST_PASSWORD })).status).toBe(400);
    for (let attempt = 0; attempt < 3; attempt++) await request({ newEmail: NEW, password: "Wrong-1234" });
    expect((await request()).status).toBe(429);
    expect(await readMail()).toEqual([]);
    expect(await emailOfAda()).toBe(OLD);
  });

  it("happens once when two confirm at once, and P27 keeps its tokens as hashes alone", async () => {
    const { request, tokenTo, confirm, logLines } = await open();
    await request();
    const token = await tokenTo(NEW);
    const answers = await Promise.all([1, 2].map(() => confirm(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect(logLines.join("")).not.toContain(token);
  });
});
