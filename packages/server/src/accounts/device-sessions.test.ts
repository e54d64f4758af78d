import { expect, it } from "vitest";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const DAY_MS = 24 * 60 * 60_000;
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

describeEachControlDatabase("sessions of an account", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const test = await createTestApp(database);
    const ada = await test.createDeveloper("ada@example.com");
    test.clock.advance(60_000);
    const body = { email: "ada@example.com", password: TEST_PASSWORD };
    const other = (await test.call("POST", "/api/auth/login", { body, headers: { "user-agent": FIREFOX } })).body;
    const otherBearer = { authorization: `Bearer ${other.token}` };
    const list = async (headers: Record<string, string> = ada.bearer) =>
      (await test.call("GET", "/api/auth/sessions", { headers })).body.sessions;
    const isOpen = async (headers: Record<string, string>) =>
      (await test.call("GET", "/api/auth/me", { headers })).status === 200;
    const actions = async () =>
      (
        await database
          .withTables<{ audit_entries: { action: string } }>()
          .db.selectFrom("audit_entries")
          .select("action")
          .where("action", "like", "session.%revoked")
          .execute()
      ).map(({ action }) => action);
    return { ...test, ada, other, otherBearer, list, isOpen, actions };
  }

  it("are listed with device and last use, newest first, the one that asks marked", async () => {
    const { call, clock, other, list } = await open();
    clock.advance(60_000);
    const before = await list();
    expect(before).toMatchObject([{ device: "Firefox on Linux", current: false }, { current: true }]);
    await call("POST", "/api/auth/refresh", { body: { refreshToken: other.refreshToken } });
    const [after] = await list();
    expect(Date.parse(after.lastUsedAt) - Date.parse(before[0].lastUsedAt)).toBe(60_000);
  });

  it("end a time after their log-in however much they are used, and sooner when they are not", async () => {
    const database = await openDatabase();
    const { call, clock, createDeveloper, controlPlane } = await createTestApp(database, {
      sessionLifetimes: { idleMs: 5 * DAY_MS, absoluteMs: 12 * DAY_MS },
    });
    let { refreshToken, ...ada } = await createDeveloper("ada@example.com");
    const openedAtMs = clock.now();
    let bearer = ada.bearer;
    const refresh = async () => {
      const { status, body } = await call("POST", "/api/auth/refresh", { body: { refreshToken } });
      if (status === 200) [refreshToken, bearer] = [body.refreshToken, { authorization: `Bearer ${body.token}` }];
      return [status, body.code];
    };
    const daysLeft = async () => {
      const { sessions } = (await call("GET", "/api/auth/sessions", { headers: bearer })).body;
      return (Date.parse(sessions[0].expiresAt) - openedAtMs) / DAY_MS;
    };
    expect(await daysLeft()).toBe(5);
    for (const day of [4, 8]) {
      clock.advance(4 * DAY_MS);
      expect(await refresh()).toEqual([200, undefined]);
      expect(await daysLeft()).toBe(Math.min(day + 5, 12));
    }
    clock.advance(4 * DAY_MS - 60_000);
    expect(await refresh()).toEqual([200, undefined]);
    expect((await call("GET", "/api/auth/me", { headers: bearer })).status).toBe(200);
    clock.advance(60_000);
    // Neither a new token nor the access token, which would be valid for some minutes more.
    expect(await refresh()).toEqual([401, "AUTH_TOKEN_EXPIRED"]);
    expect((await call("GET", "/api/auth/me", { headers: bearer })).status).toBe(401);
    clock.advance(1);
    await controlPlane.sessions.removeExpired();
    const { db } = database.withTables<{ sessions: { id: string } }>();
    expect(await db.selectFrom("sessions").select("id").execute()).toEqual([]);

    clock.advance(60_000);
    const again = await call("POST", "/api/auth/login", { body: { email: ada.email, password: TEST_PASSWORD } });
    refreshToken = again.body.refreshToken;
    clock.advance(5 * DAY_MS);
    expect(await refresh()).toEqual([401, "AUTH_TOKEN_EXPIRED"]);
  });

  it("are ended one by one, with an entry in the audit log; nobody else's is, as if there were none", async () => {
    const { call, createDeveloper, list, isOpen, otherBearer, actions, ada } = await open();
    const [{ id }] = await list();
    const end = (headers: Record<string, string>, session = id) =>
      call("DELETE", `/api/auth/sessions/${session}`, { headers });
    const eve = await createDeveloper("eve@example.com");
    const [foreign, missing] = [await end(eve.bearer), await end(eve.bearer, "ses_none")];
    expect([foreign.status, foreign.body.message]).toEqual([404, missing.body.message]);
    expect(await isOpen(otherBearer)).toBe(true);
    expect((await end(ada.bearer)).status).toBe(200);
    expect(await isOpen(otherBearer)).toBe(false);
    expect(await list()).toHaveLength(1);
    expect((await end(ada.bearer)).status).toBe(404);
    expect(await actions()).toEqual(["session.revoked"]);
  });

  it("are ended all at once but for the one that asks", async () => {
    const { call, createDeveloper, list, isOpen, otherBearer, actions, ada } = await open();
    const eve = await createDeveloper("eve@example.com");
    expect((await call("POST", "/api/auth/sessions/revoke-others", { headers: ada.bearer })).status).toBe(200);
    expect([await isOpen(ada.bearer), await isOpen(otherBearer), await isOpen(eve.bearer)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(await list()).toMatchObject([{ current: true }]);
    expect(await actions()).toEqual(["session.others_revoked"]);
  });
});
