import { afterEach, expect, it } from "vitest";
import { LIES, startHostileProvider } from "../../identity/oauth/hostile-provider-testing.ts";
import { OIDC_CLIENT } from "../../identity/oauth/oidc-testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { createEndUserTest } from "../testing.ts";

const APP = "https://app.example.com/callback";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describeEachControlDatabase("log-in of a project's users through a provider that lies", (openDatabase) => {
  async function open() {
    const hostile = await startHostileProvider(OIDC_CLIENT, {
      sub: "7",
      email: "bob@example.com",
      email_verified: true,
    });
    cleanups.push(hostile.close);
    const sql = await openDatabase();
    const test = await createEndUserTest(sql);
    const shop = await test.createProject();
    const company = { type: "oidc", issuer: hostile.issuer, ...OIDC_CLIENT };
    const second = { ...company, clientId: "somebody-else" };
    const set = await shop.set({ urls: { redirects: [APP] }, providers: { company, second } });
    expect(set.status, JSON.stringify(set.body)).toBe(200);
    const leave = async (provider = "company") => {
      const answer = await shop.auth("GET", `/oauth/${provider}?${new URLSearchParams({ redirectTo: APP })}`);
      const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
      return { status: answer.status, cookie, location: new URL(answer.headers.get("location") ?? "http://nowhere") };
    };
    const comeBack = async (cookie: string, { pathname, search }: URL) => {
      const answer = await test.app.request(`${pathname}${search}`, { headers: { cookie } });
      const location = answer.headers.get("location");
      const query = location === null ? new URLSearchParams() : new URL(location).searchParams;
      return { status: answer.status, code: query.get("code"), error: query.get("error") };
    };
    const travel = async () => {
      const left = await leave();
      return await comeBack(left.cookie, hostile.back(left.location));
    };
    const redeem = (code: string | null) => shop.auth("POST", "/oauth/token", { body: { code } });
    const { db } = sql.withTables<EndUserTables>();
    const stored = async () => [
      (await db.selectFrom("end_users").select("id").execute()).length,
      (await db.selectFrom("end_user_identities").selectAll().execute()).length,
    ];
    return { ...test, shop, hostile, leave, comeBack, travel, redeem, stored };
  }

  it.each(LIES)("signs nobody up and connects nobody by an ID token that is wrong: %s", async (lie) => {
    const { shop, hostile, travel, redeem, stored } = await open();
    await shop.register("bob@example.com");
    hostile.tell(lie);
    expect(await travel()).toEqual({ status: 302, code: null, error: "AUTH_PROVIDER_FAILED" });
    expect(await stored()).toEqual([1, 0]);
    hostile.tell("none");
    expect((await redeem((await travel()).code)).status).toBe(200);
    expect(await stored()).toEqual([1, 1]);
  });

  it("sends nobody to a provider that publishes itself as another", async () => {
    const { hostile, leave } = await open();
    hostile.claimToBe("https://accounts.example.com");
    expect((await leave()).status).toBe(502);
    hostile.claimToBe(undefined);
    expect((await leave()).status).toBe(302);
  });

  it("takes an answer once, and none for another provider or with the nonce of another log-in", async () => {
    const { hostile, leave, comeBack, redeem, stored } = await open();
    const left = await leave();
    const returned = hostile.back(left.location);
    const elsewhere = new URL(returned);
    elsewhere.pathname = elsewhere.pathname.replace("/company/", "/second/");
    expect((await comeBack(left.cookie, elsewhere)).status).toBe(401);
    const [first, second] = [await leave(), await leave()];
    const back = hostile.back(second.location);
    hostile.back(first.location);
    expect((await comeBack(second.cookie, back)).error).toBe("AUTH_PROVIDER_FAILED");
    expect(await stored()).toEqual([0, 0]);
    hostile.back(left.location);
    const { code } = await comeBack(left.cookie, returned);
    expect((await comeBack(left.cookie, returned)).status).toBe(401);
    expect([(await redeem(code)).status, (await redeem(code)).status]).toEqual([200, 401]);
  });
});
