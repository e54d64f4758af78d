import { expect, it } from "vitest";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const EMAIL = "ada@example.com";
const HOUR_MS = 60 * 60_000;
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15";

interface AuditRow {
  id: string;
  action: string;
  actor_kind: string;
  ip: string | null;
  user_agent: string | null;
  after: string | null;
}

describeEachControlDatabase("log-ins of accounts", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const test = await createTestApp(database, { trustProxy: ["127.0.0.1"] });
    const from = (ip: string, userAgent: string) => ({ "x-forwarded-for": ip, "user-agent": userAgent });
    const socket = { incoming: { socket: { remoteAddress: "127.0.0.1" } } };
    async function post(path: string, body: unknown, headers: Record<string, string>, laterMs = 4 * 60_000) {
      test.clock.advance(laterMs);
      const init = {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      };
      const answer = await test.app.request(path, init, socket);
      return answer.status;
    }
    const home = from("192.0.2.10", FIREFOX);
    await post("/api/auth/register", { email: EMAIL, password: TEST_PASSWORD, ageConfirmed: true }, home);
    const logIn = (headers: Record<string, string>, password = TEST_PASSWORD) =>
      post("/api/auth/login", { email: EMAIL, password }, headers);
    const atOnce = (ip: string, password: string) =>
      post("/api/auth/login", { email: EMAIL, password }, from(ip, FIREFOX), 0);
    const alerts = async () => (await test.readMail(EMAIL)).filter(({ kind }) => kind === "new-device");
    const entries = async (action: string) =>
      await database
        .withTables<{ audit_entries: AuditRow }>()
        .db.selectFrom("audit_entries")
        .selectAll()
        .where("action", "=", action)
        .orderBy("id")
        .execute();
    return { ...test, from, home, logIn, atOnce, alerts, entries };
  }

  it("counts guesses from networks of the account by themselves: a stranger's do not keep the owner out at home", async () => {
    const { atOnce } = await open();
    const home = "192.0.2.77";
    for (let i = 0; i < 6; i++) await atOnce(`203.0.113.${i}`, "Wrong-1234");
    expect(await atOnce("203.0.113.99", TEST_PASSWORD)).toBe(429);
    expect(await atOnce(home, TEST_PASSWORD)).toBe(200);
    for (let i = 0; i < 4; i++) expect(await atOnce(home, "Wrong-1234")).toBe(401);
    expect(await atOnce(home, "Wrong-1234")).toBe(429);
  });

  it("from a kind of program or a network that is new are told to the owner, once each", async () => {
    const { from, home, logIn, alerts } = await open();
    expect(await logIn(home)).toBe(200);
    expect(await logIn(from("192.0.2.77", FIREFOX))).toBe(200);
    expect(await alerts()).toEqual([]);
    await logIn(from("192.0.2.10", SAFARI));
    await logIn(from("192.0.2.10", SAFARI));
    expect(await alerts()).toHaveLength(1);
    await logIn(from("203.0.113.9", FIREFOX));
    await logIn(from("203.0.113.9", FIREFOX));
    const told = await alerts();
    expect(told).toHaveLength(2);
    expect(told[1]?.text).toContain("203.0.113.9");
    expect(await logIn(from("198.51.100.1", SAFARI), "Wrong-1234")).toBe(401);
    expect(await alerts()).toHaveLength(2);
  });

  it("are in the audit log with network and kind of program, and nothing that names the person", async () => {
    const { home, logIn, entries } = await open();
    await logIn(home);
    const opened = await entries("session.opened");
    expect(opened).toHaveLength(2);
    expect(opened[1]).toMatchObject({
      actor_kind: "account",
      user_agent: null,
      after: '{"device":"Firefox on Linux"}',
    });
    expect(opened[1]?.ip).toMatch(/^192\.0\.2\./);
    expect(JSON.stringify(opened)).not.toMatch(/192\.0\.2\.10|example\.com|Gecko/);
  });

  it("that fail are one entry for each hour, however many they are", async () => {
    const { home, logIn, entries, controlPlane, clock } = await open();
    clock.advance(HOUR_MS - (clock.now() % HOUR_MS));
    for (let attempt = 0; attempt < 3; attempt++) expect(await logIn(home, "Wrong-1234")).toBe(401);
    await controlPlane.idle();
    await controlPlane.logIns.flushFailures();
    expect(await entries("session.log_in_failed")).toEqual([]);
    clock.advance(HOUR_MS);
    await Promise.all([controlPlane.logIns.flushFailures(), controlPlane.logIns.flushFailures()]);
    const failed = await entries("session.log_in_failed");
    expect(failed).toHaveLength(1);
    expect(JSON.parse(failed[0]?.after ?? "{}")).toMatchObject({ failures: 3 });
    expect(failed[0]).toMatchObject({ actor_kind: "system", ip: null, user_agent: null });
  });
});
