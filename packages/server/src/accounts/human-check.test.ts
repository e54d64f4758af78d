import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createOutgoing } from "../kernel/outgoing.ts";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const SECRET = "challenge-secret";
const EMAIL = "ada@example.com";
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Checks solutions as Turnstile does: `<action>@<host>#<number>` is one, and good once. */
async function startVerifier() {
  const taken = new Set<string>();
  const asked: Record<string, string>[] = [];
  const state: { answer: "as it is" | "never" | "with an error" | "with nonsense" } = { answer: "as it is" };
  const server = createServer(async (req, res) => {
    const form = Object.fromEntries(new URLSearchParams(await readAll(req)));
    asked.push(form);
    if (state.answer === "never") return;
    if (state.answer === "with nonsense") return void res.end("<html>");
    if (state.answer === "with an error") return void res.writeHead(500).end();
    const { secret, response = "" } = form;
    const [, action, hostname] = /^(\w+)@(.+)#\d+$/.exec(response) ?? [];
    const success = secret === SECRET && action !== undefined && !taken.has(response);
    taken.add(response);
    const told = success ? { success, action, hostname } : { success, "error-codes": ["timeout-or-duplicate"] };
    res.setHeader("content-type", "application/json").end(JSON.stringify(told));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/verify`, asked, state };
}

async function readAll(req: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(req as AsyncIterable<Buffer>)).toString();
}

describeEachControlDatabase("a challenge for people who sign up and log in", (openDatabase) => {
  async function open({ isAsked = true } = {}) {
    const verifier = await startVerifier();
    const outgoing = createOutgoing(undefined, 300);
    closers.push(() => outgoing.close());
    const database = await openDatabase();
    const test = await createTestApp(database, {
      fetch: outgoing.fetch,
      challengeVerifyUrl: verifier.url,
      ...(isAsked
        ? { challenge: { siteKey: "site", secret: SECRET, scriptUrl: "https://challenges.example.com/api.js" } }
        : {}),
    });
    let number = 0;
    const solved = (action: string, host = "aerostack.test") => `${action}@${host}#${number++}`;
    const register = (turnstileToken?: string, email = EMAIL) => {
      test.clock.advance(60_000);
      return test.call("POST", "/api/auth/register", {
        body: { email, password: TEST_PASSWORD, ageConfirmed: true, turnstileToken },
      });
    };
    const logIn = (turnstileToken?: string, password = TEST_PASSWORD) =>
      test.call("POST", "/api/auth/login", { body: { email: EMAIL, password, turnstileToken } });
    const accounts = async () => {
      const { db } = database.withTables<{ accounts: { id: string } }>();
      return (await db.selectFrom("accounts").select("id").execute()).length;
    };
    return { ...test, ...verifier, solved, register, logIn, accounts };
  }

  it("is asked for at a registration: without a solution of this very thing nobody gets an account", async () => {
    const { call, register, solved, accounts, asked } = await open();
    const wrong = [undefined, "", "made up", solved("login"), solved("register", "evil.example.com")];
    for (const token of wrong) {
      expect(await register(token), String(token)).toMatchObject({
        status: 403,
        body: { code: "AUTH_CAPTCHA_FAILED", details: { siteKey: "site", action: "register" } },
      });
    }
    expect(await accounts()).toBe(0);
    const token = solved("register");
    expect((await register(token)).status).toBe(201);
    // The service takes it once.
    expect((await register(token, "bob@example.com")).status).toBe(403);
    expect(await accounts()).toBe(1);
    expect(asked.every((form) => Object.keys(form).join() === "secret,response")).toBe(true);
    expect((await call("GET", "/api/auth/challenge")).body).toEqual({
      siteKey: "site",
      scriptUrl: "https://challenges.example.com/api.js",
    });
  });

  it("lets nobody through while nobody can say whether it is solved", async () => {
    const { state, register, solved, accounts } = await open();
    for (const answer of ["never", "with an error", "with nonsense"] as const) {
      state.answer = answer;
      const refused = await register(solved("register"));
      expect([answer, refused.status, refused.body.code]).toEqual([answer, 503, "SERVICE_UNAVAILABLE"]);
    }
    expect(await accounts()).toBe(0);
  });

  it("is asked for at a log-in from the fourth on within 15 minutes, for addresses without an account, too", async () => {
    const { call, clock, logIn, register, solved, asked } = await open();
    await register(solved("register"));
    const before = asked.length;
    for (let time = 0; time < 3; time++) expect((await logIn(undefined, "Wrong-1234")).status).toBe(401);
    expect(asked).toHaveLength(before);
    expect(await logIn()).toMatchObject({ status: 403, body: { code: "AUTH_CAPTCHA_FAILED" } });
    expect((await logIn(solved("login"))).status).toBe(200);
    clock.advance(20 * 60_000);
    expect((await logIn()).status).toBe(200);
    const unknown = () =>
      call("POST", "/api/auth/login", { body: { email: "nobody@example.com", password: TEST_PASSWORD } });
    const answers = [];
    for (let time = 0; time < 4; time++) answers.push((await unknown()).status);
    expect(answers).toEqual([401, 401, 401, 403]);
  });

  it("is not asked for where it is not set, and pages load nothing from elsewhere then", async () => {
    const { app, call, register, asked } = await open({ isAsked: false });
    expect((await register()).status).toBe(201);
    expect(asked).toEqual([]);
    expect((await call("GET", "/api/auth/challenge")).body).toEqual({ siteKey: null, scriptUrl: null });
    for (const path of ["/device", "/invitations", "/setup"]) {
      const page = await app.request(path);
      expect(page.headers.get("content-security-policy")).not.toContain("http");
      expect(await page.text()).not.toContain('id="challenge-script"');
    }
  });

  it("admits the widget's origin alone on the pages that log people in", async () => {
    const { app } = await open();
    for (const path of ["/device", "/invitations"]) {
      const page = await app.request(path);
      expect(page.headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; script-src 'nonce-[^']+' https:\/\/challenges\.example\.com; frame-src https:\/\/challenges\.example\.com; style-src 'nonce-[^']+'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(await page.text()).toMatch(
        /<script id="challenge-script" nonce="[^"]+" src="https:\/\/challenges\.example\.com\/api\.js\?render=explicit" data-site-key="site" async><\/script>/,
      );
    }
    const other = await app.request("/reset-password");
    expect(other.headers.get("content-security-policy")).not.toContain("http");
  });
});
