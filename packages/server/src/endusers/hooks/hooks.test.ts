import { AerostackError } from "@aerostack/contracts";
import { expect, it } from "vitest";
import { fromBase32 } from "../../identity/totp/base32-testing.ts";
import { stepAt, totpAt } from "../../identity/totp/totp.ts";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { codeIn, createEndUserTest, tokenIn } from "../testing.ts";
import type { CallFunction } from "./hooks.ts";

type Call = Parameters<CallFunction>[0];

describeEachControlDatabase("hooks of end-user auth", (openDatabase) => {
  /** A project whose functions answer as the test says; the real ones are called in the end-to-end tests. */
  async function open() {
    const sql = await openDatabase();
    const calls: (Call & { readonly json: { event: string; data: Record<string, unknown> } })[] = [];
    const answers = new Map<string, () => { status: number; body: string }>();
    const test = await createEndUserTest(sql, {
      async callFunction(call) {
        calls.push(call as (typeof calls)[number]);
        const { status, body } = answers.get(call.functionName)?.() ?? { status: 200, body: "" };
        return { status, body: Buffer.from(body) };
      },
    });
    const shop = await test.createProject();
    const answer = (name: string, status: number, body: unknown) =>
      answers.set(name, () => ({ status, body: typeof body === "string" ? body : JSON.stringify(body) }));
    const fail = (name: string, error: Error) =>
      answers.set(name, () => {
        throw error;
      });
    return { ...test, sql: sql.withTables<EndUserTables>(), shop, calls, answer, fail };
  }

  it("are asked before a sign-up and a log-in and told after, with what they need and no password", async () => {
    const { shop, calls } = await open();
    await shop.set({
      hooks: {
        beforeRegister: { function: "guard", path: "/hooks/auth" },
        afterRegister: { function: "told" },
        beforeLogin: { function: "guard" },
        afterLogin: { function: "told" },
        timeoutMs: 1_234,
      },
    });
    const { body } = await shop.register("ada@example.com", { name: "Ada", customFields: { plan: "pro" } });
    expect(calls.map(({ json }) => json.event).sort()).toEqual([
      "auth.login.after",
      "auth.login.before",
      "auth.register.after",
      "auth.register.before",
    ]);
    const [first] = calls;
    expect(first).toMatchObject({
      projectId: shop.id,
      functionName: "guard",
      path: "/hooks/auth",
      timeoutMs: 1_234,
      json: {
        event: "auth.register.before",
        data: { method: "password", email: "ada@example.com", name: "Ada", customFields: { plan: "pro" } },
      },
    });
    const login = calls.find(({ json }) => json.event === "auth.login.before");
    expect(login?.json.data).toMatchObject({ user: { id: body.user.id }, methods: ["pwd"], ip: expect.any(String) });
    const sent = JSON.stringify(calls);
    for (const secret of [TEST_PASSWORD, "pbkdf2", body.refreshToken]) expect(sent).not.toContain(secret);
  });

  it.each([
    ["proceed: false", 200, { proceed: false, message: "Not from here." }, "Not from here."],
    ["a 4xx with JSON", 403, { message: "Not today." }, "Not today."],
    ["a 4xx with text", 422, "No.", "No."],
    ["a 4xx with a page", 404, "<html>", "The application refused this."],
  ])("refuse by %s, and nobody is stored", async (_how, status, body, message) => {
    const { shop, answer, sql } = await open();
    await shop.set({ hooks: { beforeRegister: { function: "guard" } } });
    answer("guard", status, body);
    expect(await shop.register("ada@example.com")).toMatchObject({
      status: 403,
      body: { code: "AUTH_REFUSED", message },
    });
    expect(await sql.db.selectFrom("end_users").selectAll().execute()).toEqual([]);
  });

  it("refuse newcomers however they come, and no known user", async () => {
    const { shop, answer } = await open();
    await shop.register("ada@example.com");
    await shop.set({ hooks: { beforeRegister: { function: "guard" } }, anonymous: { enabled: true } });
    answer("guard", 200, { proceed: false });
    expect((await shop.auth("POST", "/anonymous", { body: {} })).status).toBe(403);
    const byCode = async (email: string) => {
      await shop.auth("POST", "/otp/send", { body: { email } });
      const code = codeIn((await shop.outbox())[0]);
      return (await shop.auth("POST", "/otp/verify", { body: { email, code } })).status;
    };
    expect(await byCode("new@example.com")).toBe(403);
    expect(await byCode("ada@example.com")).toBe(200);
  });

  it("refuse a log-in, which opens no session and tells nobody who does not know the password", async () => {
    const { shop, answer, calls, sql } = await open();
    await shop.register("ada@example.com");
    await sql.db.deleteFrom("end_user_sessions").execute();
    await shop.set({ hooks: { beforeLogin: { function: "guard" } } });
    answer("guard", 200, { proceed: false, message: "Closed." });
    expect(await shop.login("ada@example.com")).toMatchObject({ status: 403, body: { message: "Closed." } });
    expect(await sql.db.selectFrom("end_user_sessions").selectAll().execute()).toEqual([]);
    const asked = calls.length;
    expect((await shop.login("ada@example.com", "Wrong-Word-1")).status).toBe(401);
    expect(calls).toHaveLength(asked);
  });

  it("add claims to access tokens at log-in and refresh, and never replace one of ours", async () => {
    const { shop, answer, endUsers } = await open();
    await shop.set({ hooks: { beforeToken: { function: "claims" } } });
    answer("claims", 200, { claims: { role: "admin", sub: "somebody", exp: 9e12, nbf: 9e12, iss: "x", sid: "y" } });
    const { body } = await shop.register("ada@example.com");
    const refreshed = await shop.auth("POST", "/refresh", { body: { refreshToken: body.refreshToken } });
    for (const token of [body.token, refreshed.body.token]) {
      const verified = await endUsers.verifyToken(shop.id, token);
      expect(verified).toMatchObject({ userId: body.user.id, claims: { role: "admin", sub: body.user.id } });
      expect(verified?.claims).not.toHaveProperty("nbf");
    }
  });

  it.each([
    ["does not answer in time", new AerostackError("FUNCTION_TIMEOUT")],
    ["is not there", new AerostackError("FUNCTION_NOT_FOUND")],
    ["answers 500", { status: 500, body: "secret stack" }],
    ["answers no JSON", { status: 200, body: "ok" }],
    ["answers claims without end", { status: 200, body: JSON.stringify({ claims: { a: "x".repeat(5_000) } }) }],
  ])("let nobody in when the function %s, unless the project says otherwise", async (_what, outcome) => {
    const { shop, answer, fail, projectLog } = await open();
    await shop.set({ hooks: { beforeRegister: { function: "guard" } } });
    if (outcome instanceof Error) fail("guard", outcome);
    else answer("guard", outcome.status, outcome.body);
    const refused = await shop.register("ada@example.com");
    expect(refused).toMatchObject({ status: 403, body: { code: "AUTH_REFUSED" } });
    expect(JSON.stringify(refused.body)).not.toContain("secret stack");
    expect(projectLog).toEqual([expect.stringContaining("auth.register.before failed (refuse)")]);
    await shop.set({ hooks: { onFailure: "allow" } });
    expect((await shop.register("ada@example.com")).status).toBe(201);
  });

  it("that are only told cannot break anything", async () => {
    const { shop, fail, projectLog } = await open();
    await shop.set({ hooks: { afterLogin: { function: "told" }, afterRegister: { function: "told" } } });
    fail("told", new AerostackError("FUNCTION_CRASHED"));
    expect((await shop.register("ada@example.com")).status).toBe(201);
    expect(projectLog).toHaveLength(3);
  });

  it("hand over what an anonymous user has when they turn out to be known: the function is told both, then one is left", async () => {
    const { shop, sql, calls, answer } = await open();
    const { body: known } = await shop.register("ada@example.com");
    await shop.set({ anonymous: { enabled: true }, hooks: { beforeMerge: { function: "mover" }, onFailure: "allow" } });
    const { body: guest } = await shop.auth("POST", "/anonymous", { body: {} });
    const logIn = async (email: string) => {
      await shop.auth("POST", "/otp/send", { body: { email } });
      const code = codeIn((await shop.outbox())[0]);
      return await shop.auth("POST", "/otp/verify", { body: { email, code }, token: guest.token });
    };
    const users = async () => (await sql.db.selectFrom("end_users").select("id").execute()).map(({ id }) => id);

    answer("mover", 503, "not now");
    expect(await logIn("ada@example.com")).toMatchObject({ status: 403 });
    expect((await users()).toSorted()).toEqual([known.user.id, guest.user.id].toSorted());

    answer("mover", 200, "");
    calls.length = 0;
    expect(await logIn("ada@example.com")).toMatchObject({ status: 200, body: { user: { id: known.user.id } } });
    expect(calls.map(({ json }) => json)).toEqual([
      {
        event: "auth.merge.before",
        data: expect.objectContaining({
          anonymousUser: expect.objectContaining({ id: guest.user.id }),
          user: expect.objectContaining({ id: known.user.id }),
        }),
      },
    ]);
    expect(await users()).toEqual([known.user.id]);
    expect((await shop.auth("GET", "/me", { token: guest.token })).status).toBe(401);
  });

  it("hand over for a user with a second factor once that was shown, and not before", async () => {
    const { shop, sql, calls, answer, clock } = await open();
    const { body: known } = await shop.register("ada@example.com");
    await shop.auth("GET", `/verify-email?token=${tokenIn((await shop.outbox())[0])}`);
    const begun = await shop.auth("POST", "/me/totp", { token: known.token });
    const codeNow = () => totpAt(fromBase32(begun.body.secret), stepAt(clock.now()));
    await shop.auth("POST", "/me/totp/confirm", { token: known.token, body: { code: codeNow() } });
    await shop.set({ anonymous: { enabled: true }, hooks: { beforeMerge: { function: "mover" } } });
    answer("mover", 200, "");
    const { body: guest } = await shop.auth("POST", "/anonymous", { body: {} });
    await shop.auth("POST", "/otp/send", { body: { email: "ada@example.com" } });
    const code = codeIn((await shop.outbox())[0]);
    const first = await shop.auth("POST", "/otp/verify", {
      body: { email: "ada@example.com", code },
      token: guest.token,
    });
    expect(first.body).toMatchObject({ mfaRequired: true });
    expect(calls).toEqual([]);
    expect((await shop.auth("GET", "/me", { token: guest.token })).status).toBe(200);
    clock.advance(30_000);
    const { mfaToken } = first.body;
    const done = await shop.auth("POST", "/mfa/verify", { body: { mfaToken, code: codeNow() } });
    expect(done).toMatchObject({ status: 200, body: { user: { id: known.user.id } } });
    expect(calls).toHaveLength(1);
    expect(calls[0]?.json).toMatchObject({
      data: { anonymousUser: { id: guest.user.id }, user: { id: known.user.id } },
    });
    expect(await sql.db.selectFrom("end_users").select("id").execute()).toEqual([{ id: known.user.id }]);
  });
});
