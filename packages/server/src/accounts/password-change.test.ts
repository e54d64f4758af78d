import { expect, it } from "vitest";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const NEW_PASSWORD = "Another-Horse-8";

describeEachControlDatabase("changing the password", (openDatabase) => {
  async function open() {
    const test = await createTestApp(await openDatabase());
    const ada = await test.createDeveloper("ada@example.com");
    const login = (password: string) =>
      test.call("POST", "/api/auth/login", { body: { email: "ada@example.com", password } });
    const change = (body: unknown, headers: Record<string, string> = ada.bearer) =>
      test.call("POST", "/api/auth/password/change", { body, headers });
    return { ...test, ada, login, change };
  }
  const right = { currentPassword: TEST_PASSWORD, newPassword: NEW_PASSWORD };

  it("ends all other sessions, keeps the one that asks, and tells the owner", async () => {
    const { call, ada, login, change, readMail } = await open();
    const other = (await login(TEST_PASSWORD)).body;
    expect((await change(right)).body).toEqual({ success: true });
    const me = (token: string) => call("GET", "/api/auth/me", { headers: { authorization: token } });
    expect((await me(ada.bearer.authorization)).status).toBe(200);
    expect((await me(`Bearer ${other.token}`)).status).toBe(401);
    const refreshed = await call("POST", "/api/auth/refresh", { body: { refreshToken: other.refreshToken } });
    expect(refreshed.status).toBe(401);
    expect((await login(TEST_PASSWORD)).status).toBe(401);
    expect((await login(NEW_PASSWORD)).status).toBe(200);
    expect((await readMail("ada@example.com")).map(({ kind }) => kind)).toEqual(["password-changed"]);
  });

  it("needs the current one and a strong new one, and changes nothing without", async () => {
    const { ada, login, change, readMail } = await open();
    expect(await change({ ...right, currentPassword: "Wrong-1234" })).toMatchObject({ status: 401 });
    expect((await change({ ...right, newPassword: "weak" })).body.details.fieldErrors).toHaveProperty("newPassword");
    expect((await change({ ...right, newPassword: `Aa1${"x".repeat(198)}` })).status).toBe(400);
    expect((await change(right, { "x-api-key": ada.accountKey })).status).toBe(403);
    expect((await change(right, {})).status).toBe(401);
    expect((await login(TEST_PASSWORD)).status).toBe(200);
    expect(await readMail()).toEqual([]);
  });

  it("lets nobody guess the current one without end", async () => {
    const { change } = await open();
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await change({ ...right, currentPassword: `Wrong-${attempt}` })).status).toBe(401);
    }
    expect((await change(right)).status).toBe(429);
  });

  it("leaves no session to a log-in with the old one at the same moment", async () => {
    const { call, controlPlane, ada, login, change } = await open();
    const before = await controlPlane.accounts.require(ada.user.id);
    const [answer, ...logins] = await Promise.all([change(right), ...[1, 2, 3].map(() => login(TEST_PASSWORD))]);
    expect(answer?.status).toBe(200);
    for (const { status, body } of logins) {
      const { refreshToken = "none" } = body;
      expect([200, 401]).toContain(status);
      expect((await call("POST", "/api/auth/refresh", { body: { refreshToken } })).status).toBe(401);
    }
    // The latest moment: the old password was found right, and the session is opened after the change.
    await expect(controlPlane.sessions.open(before)).rejects.toMatchObject({ code: "AUTH_INVALID_CREDENTIALS" });
    const { sessions } = (await call("GET", "/api/auth/sessions", { headers: ada.bearer })).body;
    expect(sessions).toMatchObject([{ current: true }]);
  });
});
