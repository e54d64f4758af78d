import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LIES, startHostileProvider } from "../../identity/oauth/hostile-provider-testing.ts";
import { challengeOf } from "../../identity/oauth/oidc-connection.ts";
import { OIDC_CLIENT, type OidcAccount, startOidcProvider } from "../../identity/oauth/oidc-testing.ts";
import { createOutgoing } from "../../kernel/outgoing.ts";
import { createTestApp } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { SignOnTables } from "./tables.ts";

const ORIGIN = "http://aerostack.test";
const AGE = { ageConfirmed: "true" };

const cleanups: (() => Promise<void>)[] = [];
beforeEach(() => {
  // The provider says at each start that its defaults are not for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describeEachControlDatabase("single sign-on of an organisation", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const records = new Map<string, string>();
    const test = await createTestApp(sql, {
      outsideFetch: createOutgoing().fetch,
      resolveTxt: async (name) => (records.has(name) ? [[records.get(name) ?? ""]] : []),
    });
    const { call, app } = test;
    const ada = await test.createDeveloper("ada@home.example");
    const owner = (method: string, path: string, body?: unknown) =>
      call(method, path, { headers: ada.bearer, ...(body === undefined ? {} : { body }) });
    const { body } = await owner("POST", "/api/v1/organisations", { name: "Company" });
    const id: string = body.organisation.id;
    const path = `/api/v1/organisations/${id}`;
    const state = {
      account: { sub: "1", email: "Bob@Company.example", name: "Bob", groups: ["dev"] } as OidcAccount,
    };
    const provider = await startOidcProvider({
      redirectUri: `${ORIGIN}/api/auth/sign-on/${id}/callback`,
      account: () => state.account,
    });
    cleanups.push(provider.close);
    const roles = [
      { group: "boss", role: "admin" },
      { group: "dev", role: "developer" },
    ];
    const set = (changes: Record<string, unknown> = {}) =>
      owner("PUT", `${path}/sign-on`, { issuer: provider.issuer, ...OIDC_CLIENT, roles, ...changes });
    const claim = async (domain: string, where = path, who = owner) => {
      const added = await who("POST", `${where}/sign-on/domains`, { domain });
      return added.body.domain as { domain: string; record: { name: string; value: string } };
    };
    const prove = async (domain: string) => {
      const { record } = await claim(domain);
      records.set(record.name, record.value);
      return await owner("POST", `${path}/sign-on/domains/${domain}/verify`);
    };

    const codeVerifier = randomBytes(32).toString("base64url");
    const leave = (query: Record<string, string> = {}, organisation = id) => {
      const asked = new URLSearchParams({ page: "device", codeChallenge: challengeOf(codeVerifier), ...query });
      return app.request(`/api/auth/sign-on/${organisation}?${asked}`);
    };
    const comeBack = async (left: Response, { pathname, search }: URL) => {
      const cookie = left.headers.get("set-cookie")?.split(";")[0] ?? "";
      const answer = await app.request(`${pathname}${search}`, { headers: { cookie } });
      const location = answer.headers.get("location");
      if (location === null) return { status: answer.status };
      return { status: 302, ...Object.fromEntries(new URLSearchParams(new URL(location).hash.slice(1))) } as {
        status: number;
        code?: string;
        error?: string;
      };
    };
    const travel = async (query: Record<string, string> = {}) => {
      const left = await leave(query);
      return await comeBack(left, await provider.browse(left.headers.get("location") ?? ""));
    };
    const redeem = (code = "") => call("POST", "/api/auth/sign-on/token", { body: { code, codeVerifier } });
    const logIn = async (query: Record<string, string> = AGE) => await redeem((await travel(query)).code);
    const connect = async (bearer: Record<string, string>) => {
      const { code = "" } = await travel({ intent: "connect" });
      return await call("POST", "/api/auth/sign-on/connect", { headers: bearer, body: { code, codeVerifier } });
    };
    const bearerOf = (session: { token: string }) => ({ authorization: `Bearer ${session.token}` });
    const get = async (headers: Record<string, string>) => await call("GET", path, { headers });
    const { db } = sql.withTables<SignOnTables>();
    const actions = async () => {
      const audit = sql.withTables<{ audit_entries: { action: string; organisation_id: string | null } }>().db;
      const rows = await audit.selectFrom("audit_entries").select("action").where("organisation_id", "=", id).execute();
      return rows.map(({ action }) => action);
    };
    return {
      ...test,
      ada,
      owner,
      id,
      path,
      state,
      provider,
      records,
      set,
      claim,
      prove,
      leave,
      comeBack,
      travel,
      redeem,
      logIn,
      connect,
      bearerOf,
      get,
      db,
      actions,
    };
  }

  it("lets people of a proven domain in, with the role of their first group, at each log-in anew", async () => {
    const { set, prove, logIn, state, get, bearerOf, call, id, actions } = await open();
    expect((await set()).status).toBe(200);
    expect((await prove("company.example")).status).toBe(200);
    const found = await call("POST", "/api/auth/sign-on/find", { body: { email: "anybody@company.example" } });
    expect(found.body).toEqual({ organisation: id });
    const first = await logIn();
    expect(first).toMatchObject({ status: 200, body: { user: { email: "bob@company.example", emailVerified: true } } });
    const bob = bearerOf(first.body);
    expect((await get(bob)).body.organisation.role).toBe("developer");
    state.account = { ...state.account, groups: ["dev", "boss"] };
    const promoted = await logIn({});
    expect(promoted.body.user.id).toBe(first.body.user.id);
    expect((await get(bearerOf(promoted.body))).body.organisation.role).toBe("admin");
    state.account = { ...state.account, groups: ["dev"] };
    expect((await logIn({})).status).toBe(200);
    expect((await get(bob)).body.organisation.role).toBe("developer");
    state.account = { ...state.account, groups: ["sales"] };
    expect(await logIn({})).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect((await get(bob)).status).toBe(404);
    expect(await actions()).toEqual(
      expect.arrayContaining([
        "sign_on.changed",
        "sign_on.domain_added",
        "sign_on.domain_verified",
        "sign_on.connected",
        "member.added_by_sign_on",
        "member.role_changed_by_sign_on",
        "member.removed_by_sign_on",
      ]),
    );
  });

  it("gives who has none of the groups the default role, or refuses them and makes no account", async () => {
    const { set, prove, travel, logIn, state, get, bearerOf, db } = await open();
    await set();
    await prove("company.example");
    state.account = { ...state.account, groups: [] };
    expect(await travel(AGE)).toMatchObject({ error: "FORBIDDEN" });
    expect(await db.selectFrom("organisation_identities").selectAll().execute()).toEqual([]);
    await set({ defaultRole: "viewer" });
    const { body } = await logIn();
    expect((await get(bearerOf(body))).body.organisation.role).toBe("viewer");
  });

  it("believes the provider about the organisation's own domains alone", async () => {
    const { set, claim, prove, travel, state, owner, path, records, createDeveloper, call } = await open();
    await set();
    expect(await travel(AGE)).toMatchObject({ error: "FORBIDDEN" });
    await claim("company.example");
    expect(await travel(AGE)).toMatchObject({ error: "FORBIDDEN" });
    expect(await owner("POST", `${path}/sign-on/domains/company.example/verify`)).toMatchObject({ status: 409 });
    await prove("company.example");
    for (const email of [
      "eve@elsewhere.example",
      "eve@company.example.elsewhere.example",
      "eve@sub.company.example",
      "eve@company.example@elsewhere.example",
      undefined,
    ]) {
      state.account = { sub: "9", groups: ["dev"], ...(email === undefined ? {} : { email }) };
      expect(await travel(AGE), String(email)).toMatchObject({ error: "FORBIDDEN" });
    }
    // Another organisation claims the domain, and cannot have it: not even with a record of its own.
    const eve = await createDeveloper("eve@elsewhere.example");
    const theirs = (method: string, where: string, body?: unknown) =>
      call(method, where, { headers: eve.bearer, ...(body === undefined ? {} : { body }) });
    const other = await theirs("POST", "/api/v1/organisations", { name: "Other" });
    const otherPath = `/api/v1/organisations/${other.body.organisation.id}`;
    const { record } = await claim("company.example", otherPath, theirs);
    records.set(record.name, record.value);
    expect((await theirs("POST", `${otherPath}/sign-on/domains/company.example/verify`)).status).toBe(409);
    for (const domain of ["localhost", "*.example.com", "a b", "127.0.0.1"]) {
      expect((await owner("POST", `${path}/sign-on/domains`, { domain })).status, domain).toBe(400);
    }
  });

  it("opens no account that exists before its owner has connected it", async () => {
    const { set, prove, travel, logIn, connect, createDeveloper, get } = await open();
    await set();
    await prove("company.example");
    const bob = await createDeveloper("bob@company.example");
    expect(await travel(AGE)).toMatchObject({ error: "AUTH_USER_EXISTS" });
    expect((await connect(bob.bearer)).status).toBe(200);
    expect((await logIn({})).body.user.id).toBe(bob.user.id);
    expect((await get(bob.bearer)).body.organisation.role).toBe("developer");
    const eve = await createDeveloper("eve@elsewhere.example");
    expect(await connect(eve.bearer)).toMatchObject({ status: 409, body: { code: "AUTH_USER_EXISTS" } });
    expect((await connect({ "x-api-key": eve.accountKey })).status).toBe(403);
  });

  it("asks for the age, as every sign-up does", async () => {
    const { set, prove, travel, leave } = await open();
    await set();
    await prove("company.example");
    expect(await travel()).toMatchObject({ error: "AUTH_AGE_UNKNOWN" });
    expect((await leave({ ageConfirmed: "false" })).status).toBe(403);
  });

  it("keeps members who came another way out where it is required, and no owner, whatever the groups say", async () => {
    const { set, prove, logIn, connect, state, createDeveloper, get, bearerOf, ada, db, id, call } = await open();
    expect((await set({ required: true })).status).toBe(409);
    await prove("company.example");
    const bob = await createDeveloper("bob@company.example");
    await set();
    expect((await connect(bob.bearer)).status).toBe(200);
    expect((await get(bob.bearer)).status).toBe(200);
    expect((await set({ required: true })).status).toBe(200);
    expect((await get(bob.bearer)).status).toBe(404);
    const through = await logIn({});
    expect((await get(bearerOf(through.body))).status).toBe(200);
    const renewed = await call("POST", "/api/auth/refresh", { body: { refreshToken: through.body.refreshToken } });
    expect((await get(bearerOf(renewed.body))).status).toBe(200);
    // The only owner stays one without any group, and gets in by password.
    state.account = { sub: "2", email: "ada@company.example", groups: [] };
    await set({ required: true, defaultRole: "viewer" });
    expect((await connect(ada.bearer)).status).toBe(200);
    expect((await logIn({})).body.user.id).toBe(ada.user.id);
    expect((await get(ada.bearer)).body.organisation.role).toBe("owner");
    const owners = await db
      .selectFrom("organisation_members")
      .select("account_id")
      .where("organisation_id", "=", id)
      .where("role", "=", "owner")
      .execute();
    expect(owners).toEqual([{ account_id: ada.user.id }]);
  });

  it("is set by who may, below their own rights, and keeps the client secret sealed", async () => {
    const { set, owner, path, createDeveloper, call, db } = await open();
    expect((await set({ clientSecret: undefined })).status).toBe(400);
    expect((await set()).status).toBe(200);
    const shown = await owner("GET", `${path}/sign-on`);
    expect(shown.body).toMatchObject({ signOn: { clientId: OIDC_CLIENT.clientId, required: false } });
    expect(JSON.stringify(shown.body)).not.toContain(OIDC_CLIENT.clientSecret);
    expect(JSON.stringify(await db.selectFrom("organisation_sign_on").selectAll().execute())).not.toContain(
      OIDC_CLIENT.clientSecret,
    );
    expect((await set({ clientSecret: undefined })).status).toBe(200);
    expect((await set({ clientSecret: undefined, issuer: "https://evil.example" })).status).toBe(400);
    for (const role of ["owner", "rol_unknown"]) {
      expect((await set({ roles: [{ group: "x", role }] })).status, role).toBe(400);
      expect((await set({ defaultRole: role })).status, role).toBe(400);
    }
    for (const issuer of ["http://idp.example.com", "ftp://x", "https://x/?a=1"]) {
      expect((await set({ issuer })).status, issuer).toBe(400);
    }
    const eve = await createDeveloper("eve@elsewhere.example");
    for (const [method, where] of [
      ["GET", `${path}/sign-on`],
      ["DELETE", `${path}/sign-on`],
      ["POST", `${path}/sign-on/domains/x.example/verify`],
    ] as const) {
      expect((await call(method, where, { headers: eve.bearer })).status).toBe(404);
    }
    expect((await owner("DELETE", `${path}/sign-on`)).status).toBe(200);
    expect((await owner("DELETE", `${path}/sign-on`)).status).toBe(404);
  });

  it("takes an answer for one organisation alone, in the browser that set out", async () => {
    const { set, prove, leave, provider, comeBack, createDeveloper, call, app } = await open();
    await set();
    await prove("company.example");
    const eve = await createDeveloper("eve@elsewhere.example");
    const made = await call("POST", "/api/v1/organisations", { headers: eve.bearer, body: { name: "Other" } });
    const otherId: string = made.body.organisation.id;
    const settings = { issuer: provider.issuer, ...OIDC_CLIENT, defaultRole: "viewer" };
    const where = `/api/v1/organisations/${otherId}/sign-on`;
    expect((await call("PUT", where, { headers: eve.bearer, body: settings })).status).toBe(200);
    const left = await leave(AGE);
    const returned = await provider.browse(left.headers.get("location") ?? "");
    const elsewhere = new URL(returned);
    elsewhere.pathname = `/api/auth/sign-on/${otherId}/callback`;
    expect((await comeBack(left, elsewhere)).status).toBe(401);
    expect((await app.request(`${returned.pathname}${returned.search}`)).status).toBe(401);
    expect((await comeBack(left, returned)).code).toEqual(expect.any(String));
    expect((await comeBack(left, returned)).status).toBe(401);
    expect((await leave({}, "org_unknown")).status).toBe(404);
  });

  it.each(LIES)("refuses an ID token that is wrong: %s", async (lie) => {
    const { set, prove, leave, comeBack, redeem, db } = await open();
    const claims = { sub: "7", email: "bob@company.example", groups: ["dev"] };
    const hostile = await startHostileProvider(OIDC_CLIENT, claims);
    cleanups.push(hostile.close);
    await set({ issuer: hostile.issuer });
    await prove("company.example");
    const go = async () => {
      const left = await leave(AGE);
      return await comeBack(left, hostile.back(new URL(left.headers.get("location") ?? "")));
    };
    hostile.tell(lie);
    expect(await go()).toMatchObject({ error: "AUTH_PROVIDER_FAILED" });
    expect(await db.selectFrom("organisation_identities").selectAll().execute()).toEqual([]);
    // The same provider is believed when it tells the truth: what was refused was the lie.
    hostile.tell("none");
    expect((await redeem((await go()).code)).status).toBe(200);
  });
});
