import { randomBytes } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { LIES, startHostileProvider } from "../../../identity/oauth/hostile-provider-testing.ts";
import { challengeOf } from "../../../identity/oauth/oidc-connection.ts";
import { OIDC_CLIENT } from "../../../identity/oauth/oidc-testing.ts";
import { createOutgoing } from "../../../kernel/outgoing.ts";
import { createTestApp } from "../../../testing.ts";
import { describeEachControlDatabase } from "../../../testing-database.ts";
import type { AccountTables } from "../../tables.ts";
import type { WayInTables } from "../tables.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describeEachControlDatabase("log-in of accounts through a provider that lies", (openDatabase) => {
  async function open() {
    const claims = { sub: "7", email: "bob@example.com", email_verified: true, name: "Bob" };
    const hostile = await startHostileProvider(OIDC_CLIENT, claims);
    const other = await startHostileProvider(OIDC_CLIENT, { ...claims, sub: "8", email: "eve@example.com" });
    cleanups.push(hostile.close, other.close);
    const sql = await openDatabase();
    const test = await createTestApp(sql, {
      fetch: createOutgoing().fetch,
      logInProviders: [
        { type: "oidc", name: "Company", issuer: hostile.issuer, ...OIDC_CLIENT },
        { type: "google", name: "Other", issuer: other.issuer, ...OIDC_CLIENT },
      ],
    });
    const { call, app } = test;
    const codeVerifier = randomBytes(32).toString("base64url");
    const leave = async (query: Record<string, string> = { ageConfirmed: "true" }, provider = "oidc") => {
      const asked = new URLSearchParams({ page: "device", codeChallenge: challengeOf(codeVerifier), ...query });
      const answer = await app.request(`/api/auth/oauth/${provider}?${asked}`);
      const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
      return { status: answer.status, cookie, location: new URL(answer.headers.get("location") ?? "http://nowhere") };
    };
    const comeBack = async (cookie: string, { pathname, search }: URL) => {
      const answer = await app.request(`${pathname}${search}`, { headers: { cookie } });
      const location = answer.headers.get("location");
      const fragment = location === null ? "" : new URL(location).hash.slice(1);
      return { status: answer.status, ...Object.fromEntries(new URLSearchParams(fragment)) } as {
        status: number;
        code?: string;
        error?: string;
      };
    };
    const travel = async (query?: Record<string, string>) => {
      const left = await leave(query);
      return await comeBack(left.cookie, hostile.back(left.location));
    };
    const redeem = (code = "") => call("POST", "/api/auth/oauth/token", { body: { code, codeVerifier } });
    const { db } = sql.withTables<AccountTables & WayInTables>();
    /** What a log-in that was believed would have left. */
    const stored = async () => ({
      accounts: (await db.selectFrom("accounts").select("email").execute()).map(({ email }) => email).sort(),
      identities: (await db.selectFrom("account_identities").selectAll().execute()).length,
      codes: (await db.selectFrom("account_way_in_tokens").select("kind").where("kind", "=", "oauth-code").execute())
        .length,
      sessions: (await db.selectFrom("sessions").select("id").execute()).length,
    });
    return { ...test, hostile, other, codeVerifier, leave, comeBack, travel, redeem, stored };
  }

  it.each(LIES)("makes no account and connects none by an ID token that is wrong: %s", async (lie) => {
    const { hostile, travel, redeem, stored, createDeveloper } = await open();
    const ada = await createDeveloper("ada@example.com");
    const before = await stored();
    hostile.tell(lie);
    for (const query of [{ ageConfirmed: "true" }, { intent: "connect" }]) {
      const { status, code, error } = await travel(query);
      expect([status, code, error]).toEqual([302, undefined, "AUTH_PROVIDER_FAILED"]);
    }
    expect(await stored()).toEqual(before);
    // The same provider is believed when it tells the truth: what was refused was the lie.
    hostile.tell("none");
    const believed = await redeem((await travel()).code);
    expect([believed.status, believed.body.user.email]).toEqual([200, "bob@example.com"]);
    expect(believed.body.user.id).not.toBe(ada.user.id);
  });

  it("sends nobody to a provider that publishes itself as another", async () => {
    const { hostile, leave, stored } = await open();
    hostile.claimToBe("https://accounts.example.com");
    const left = await leave();
    expect([left.status, left.cookie]).toEqual([502, ""]);
    hostile.claimToBe(`${hostile.issuer}/other`);
    expect((await leave()).status).toBe(502);
    hostile.claimToBe(undefined);
    expect((await leave()).status).toBe(302);
    expect((await stored()).accounts).toEqual([]);
  });

  it("takes no answer of one provider for another's, whatever the browser brings", async () => {
    const { hostile, other, leave, comeBack, stored } = await open();
    // Begun at the first, and brought to the other's address.
    const left = await leave();
    const returned = hostile.back(left.location);
    const elsewhere = new URL(returned);
    elsewhere.pathname = "/api/auth/oauth/google/callback";
    expect((await comeBack(left.cookie, elsewhere)).status).toBe(401);
    // An answer that says whose it is (RFC 9207).
    const named = new URL(returned);
    named.searchParams.set("iss", other.issuer);
    expect(await comeBack(left.cookie, named)).toMatchObject({ error: "AUTH_PROVIDER_FAILED" });
    // The state of one browser with the cookie of another.
    const [mine, theirs] = [await leave(), await leave()];
    expect((await comeBack(theirs.cookie, hostile.back(mine.location))).status).toBe(401);
    // The nonce of the one log-in in the token for another.
    const [first, second] = [await leave(), await leave()];
    const back = hostile.back(second.location);
    hostile.back(first.location);
    expect(await comeBack(second.cookie, back)).toMatchObject({ error: "AUTH_PROVIDER_FAILED" });
    expect(await stored()).toEqual({ accounts: [], identities: 0, codes: 0, sessions: 0 });
  });

  it("takes an answer, and the code that a page gets for it, once", async () => {
    const { hostile, leave, comeBack, redeem, stored } = await open();
    const left = await leave();
    const returned = hostile.back(left.location);
    const { code } = await comeBack(left.cookie, returned);
    expect((await comeBack(left.cookie, returned)).status).toBe(401);
    expect((await redeem(code)).status).toBe(200);
    expect((await redeem(code)).status).toBe(401);
    expect(await stored()).toEqual({ accounts: ["bob@example.com"], identities: 1, codes: 0, sessions: 1 });
  });
});
