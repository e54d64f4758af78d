import { expect, it } from "vitest";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const EMAIL = "ada@example.com";
const OWN_ORIGIN = "http://aerostack.test";
const FROM_OWN_PAGE = { "x-aerostack-session": "cookie", origin: OWN_ORIGIN, "sec-fetch-site": "same-origin" };

describeEachControlDatabase("a log-in that is kept in a cookie", (openDatabase) => {
  async function open(origin = OWN_ORIGIN) {
    const test = await createTestApp(await openDatabase(), { origin: () => origin });
    await test.createDeveloper(EMAIL);
    const post = (path: string, headers: Record<string, string>, body: unknown = {}) =>
      test.call("POST", path, { body, headers });
    const logIn = (headers: Record<string, string> = { ...FROM_OWN_PAGE, origin }) =>
      post("/api/auth/login", headers, { email: EMAIL, password: TEST_PASSWORD });
    const cookieOf = (answer: { headers: Headers }) => answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    const refresh = (cookie: string, headers: Record<string, string> = FROM_OWN_PAGE) =>
      post("/api/auth/refresh", { ...headers, cookie });
    return { ...test, post, logIn, cookieOf, refresh };
  }

  it("P19 gives its token to no script: HttpOnly, of this site alone, for the routes of log-ins alone", async () => {
    const { logIn, logLines } = await open();
    const answer = await logIn();
    expect(Object.keys(answer.body).sort()).toEqual(["expiresAt", "token", "user"]);
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(
      /^aerostack_refresh=rt_\w{50}; Path=\/api\/auth; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    );
    const token = /rt_\w+/.exec(cookie)?.[0] ?? "";
    expect(JSON.stringify(answer.body)).not.toContain(token);
    expect(logLines.join("")).not.toContain(token);
  });

  it("P19 is sent over TLS alone where the server is reached by HTTPS", async () => {
    const { logIn, refresh, cookieOf } = await open("https://api.example.com");
    const answer = await logIn();
    expect(answer.headers.get("set-cookie")).toMatch(
      /^__Secure-aerostack_refresh=rt_\w+; Path=\/api\/auth; .*SameSite=Strict; Secure$/,
    );
    const fromPage = { ...FROM_OWN_PAGE, origin: "https://api.example.com" };
    const withoutPrefix = cookieOf(answer).replace("__Secure-", "");
    expect((await refresh(withoutPrefix, fromPage)).body.code).toBe("AUTH_TOKEN_INVALID");
    expect((await refresh(cookieOf(answer), { ...fromPage, origin: "http://localhost" })).status).toBe(403);
    expect((await refresh(cookieOf(answer), fromPage)).status).toBe(200);
  });

  it("P30 is renewed with a new cookie each time, and ends when an old one is used", async () => {
    const { logIn, refresh, cookieOf } = await open();
    const first = cookieOf(await logIn());
    const renewed = await refresh(first);
    expect(renewed.body.refreshToken).toBeUndefined();
    expect(cookieOf(renewed)).not.toBe(first);
    expect((await refresh(cookieOf(renewed))).status).toBe(200);
    expect((await refresh(first)).body.code).toBe("AUTH_TOKEN_INVALID");
    expect((await refresh(cookieOf(renewed))).body.code).toBe("AUTH_TOKEN_INVALID");
  });

  it("ends with a log-out, which makes the browser forget it", async () => {
    const { logIn, post, refresh, cookieOf } = await open();
    const cookie = cookieOf(await logIn());
    const answer = await post("/api/auth/logout", { ...FROM_OWN_PAGE, cookie });
    expect(answer.body).toEqual({ success: true });
    expect(answer.headers.get("set-cookie")).toMatch(/^aerostack_refresh=; Path=\/api\/auth; Max-Age=0; /);
    expect((await refresh(cookie)).body.code).toBe("AUTH_TOKEN_INVALID");
  });

  it("is used by no page of another origin, no form and no program", async () => {
    const { logIn, post, refresh, cookieOf, call } = await open();
    const cookie = cookieOf(await logIn());
    const json = { "x-aerostack-session": "cookie" };
    for (const headers of [
      { ...FROM_OWN_PAGE, "sec-fetch-site": "cross-site", origin: "null" },
      { ...FROM_OWN_PAGE, "sec-fetch-site": "same-site" },
      { ...FROM_OWN_PAGE, "sec-fetch-site": "none" },
      { ...json, origin: "null" },
      { ...json, origin: "https://aerostack.test.evil.example" },
      { ...json, origin: "http://aerostack.test:81" },
      json,
    ]) {
      for (const path of ["/api/auth/refresh", "/api/auth/logout"]) {
        expect([headers, (await post(path, { ...headers, cookie })).body.code]).toEqual([headers, "FORBIDDEN"]);
      }
      expect((await logIn(headers)).status).toBe(403);
    }
    const form = { ...FROM_OWN_PAGE, cookie, "content-type": "text/plain" };
    for (const headers of [form, { ...form, "content-type": "" }]) {
      const answer = await call("POST", "/api/auth/refresh", { headers });
      expect(answer.status).toBe(415);
    }
    // Without the header a cookie counts for nothing: it is what a foreign page would send.
    expect((await refresh(cookie, { origin: OWN_ORIGIN })).body.code).toBe("AUTH_TOKEN_INVALID");
    expect((await refresh(cookie)).status).toBe(200);
  });

  it("is refused where two are sent: a neighbouring host may have planted one", async () => {
    const { logIn, refresh, cookieOf } = await open();
    const cookie = cookieOf(await logIn());
    expect((await refresh(`aerostack_refresh=rt_planted; ${cookie}`)).body.code).toBe("AUTH_TOKEN_INVALID");
    expect((await refresh(`other=1; ${cookie}`)).status).toBe(200);
  });
});
