import bcrypt from "bcryptjs";
import { expect, it } from "vitest";
import { createPasswordHasher } from "../../kernel/crypto/password-hash.ts";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { createEndUserTest } from "../testing.ts";

const OTHER_PASSWORD = "Another-Word-9";

describeEachControlDatabase("a project's people and its users", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql);
    const shop = await test.createProject();
    const admin = (method: string, path = "", body?: unknown) =>
      shop.developer.call(method, `/api/v1/projects/${shop.slug}/auth/users${path}`, body);
    return { ...test, sql: sql.withTables<EndUserTables>(), shop, admin };
  }

  it("list users by pages, newest first", async () => {
    const { shop, admin } = await open();
    for (let i = 1; i <= 5; i++) await shop.register(`u${i}@example.com`);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { body } = await admin("GET", `?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seen.push(...body.users.map(({ email }: { email: string }) => email));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1].map((n) => `u${n}@example.com`));
  });

  it("find users by how address or number begins, and by id, by pages, and nobody else's", async () => {
    const { shop, admin, createProject } = await open();
    const other = await createProject("Other");
    await other.register("ada@elsewhere.example");
    for (const name of ["ada", "adam", "bob"]) await shop.register(`${name}@example.com`);
    await admin("POST", "", { phone: "+1 415 555 0123" });
    const found = async (search: string, more = "") => {
      const { body } = await admin("GET", `?search=${encodeURIComponent(search)}${more}`);
      return body.users.map(({ email, phone }: { email: string; phone: string | null }) => phone ?? email);
    };
    expect(await found("ADA")).toEqual(["ada@example.com", "adam@example.com"]);
    expect(await found("ada", "&limit=1&cursor=ada@example.com")).toEqual(["adam@example.com"]);
    expect(await found("+1 415")).toEqual(["+14155550123"]);
    expect(await found("%")).toEqual([]);
    const { body } = await admin("GET", "?search=bob");
    expect(await found(body.users[0].id)).toEqual(["bob@example.com"]);
  });

  it("create and change users, and set what users may not", async () => {
    const { shop, admin } = await open();
    await shop.set({ customFields: [{ name: "role", type: "string", editable: false }] });
    const created = await admin("POST", "", {
      email: "Ada@Example.com",
      emailVerified: true,
      password: TEST_PASSWORD,
      customFields: { role: "admin" },
    });
    expect(created).toMatchObject({
      status: 201,
      body: {
        user: { email: "ada@example.com", emailVerified: true, hasPassword: true, customFields: { role: "admin" } },
      },
    });
    const { id } = created.body.user;
    const { body: login } = await shop.login("ada@example.com");
    const changed = await admin("PATCH", `/${id}`, { email: "new@example.com", name: "Ada", password: OTHER_PASSWORD });
    expect(changed.body.user).toMatchObject({ email: "new@example.com", emailVerified: false, name: "Ada" });
    expect((await shop.auth("GET", "/me", { token: login.token })).status).toBe(401);
    expect((await shop.login("new@example.com", OTHER_PASSWORD)).status).toBe(200);
    expect((await admin("POST", "", { email: "new@example.com" })).body.error.code).toBe("AUTH_USER_EXISTS");
    await admin("POST", "", { email: "third@example.com" });
    expect((await admin("PATCH", `/${id}`, { email: "third@example.com" })).status).toBe(409);
    expect((await admin("POST", "", { name: "Nobody" })).status).toBe(400);
    expect((await admin("POST", "", { email: "w@example.com", password: "weak" })).body.error.code).toBe(
      "AUTH_PASSWORD_WEAK",
    );
  });

  it("block users, whose sessions end at once, and let them in again", async () => {
    const { shop, admin } = await open();
    const { body } = await shop.register("ada@example.com");
    const blocked = await admin("POST", `/${body.user.id}/block`);
    expect(blocked.body.user.blockedAt).toEqual(expect.any(String));
    expect((await shop.auth("GET", "/me", { token: body.token })).status).toBe(401);
    expect((await shop.auth("POST", "/refresh", { body: { refreshToken: body.refreshToken } })).status).toBe(401);
    expect(await shop.login("ada@example.com")).toMatchObject({ status: 403, body: { code: "AUTH_USER_BLOCKED" } });
    await admin("POST", `/${body.user.id}/unblock`);
    expect((await shop.login("ada@example.com")).status).toBe(200);
    expect((await shop.auth("GET", "/me", { token: body.token })).status).toBe(401);
  });

  it("delete users with everything of theirs, end sessions, and show all that is held", async () => {
    const { shop, admin, sql } = await open();
    const { body: ada } = await shop.register("ada@example.com");
    const held = await admin("GET", `/${ada.user.id}/export`);
    expect(held.body).toMatchObject({
      user: { email: "ada@example.com" },
      sessions: [{ methods: ["pwd"] }],
      identities: [],
      passkeys: [],
      totp: false,
    });
    expect(JSON.stringify(held.body)).not.toMatch(/pbkdf2|rt_|hash/i);
    await admin("POST", `/${ada.user.id}/end-sessions`);
    expect((await shop.auth("GET", "/me", { token: ada.token })).status).toBe(401);
    expect((await admin("DELETE", `/${ada.user.id}`)).body).toEqual({ success: true });
    expect((await admin("GET", `/${ada.user.id}`)).status).toBe(404);
    for (const table of ["end_users", "end_user_sessions"] as const) {
      expect(await sql.db.selectFrom(table).selectAll().execute()).toEqual([]);
    }
  });

  it("are those of the project and nobody else: neither another developer, a public key nor a user", async () => {
    const { shop, admin, call, createProject } = await open();
    const { body: ada } = await shop.register("ada@example.com");
    const other = await createProject("Other");
    const path = `/api/v1/projects/${shop.id}/auth/users`;
    expect((await other.developer.call("GET", path)).status).toBe(404);
    expect((await other.developer.call("DELETE", `${path}/${ada.user.id}`)).status).toBe(404);
    const inOther = `/api/v1/projects/${other.id}/auth/users/${ada.user.id}`;
    expect((await other.developer.call("GET", inOther)).status).toBe(404);
    const key = await shop.developer.createKey(shop, "public");
    expect((await call("GET", path, { headers: { "x-api-key": key.secret } })).status).toBe(403);
    expect((await call("GET", path, { headers: { authorization: `Bearer ${ada.token}` } })).status).toBe(401);
    const secret = await shop.developer.createKey(shop, "secret");
    expect((await call("GET", path, { headers: { "x-aerostack-key": secret.secret } })).status).toBe(200);
    expect((await admin("GET", `/${ada.user.id}`)).status).toBe(200);
  });

  it("import users with hashes of other systems, which are made anew at log-in", async () => {
    const { shop, admin, sql } = await open();
    const own = await createPasswordHasher(1_000).hash(TEST_PASSWORD);
    const id = "0190163d-8694-739b-aea5-966c26f8ad91";
    const report = await admin("POST", "/import", {
      users: [
        {
          id,
          email: "Bcrypt@Example.com",
          emailVerified: true,
          name: "B",
          passwordHash: await bcrypt.hash(TEST_PASSWORD, 4),
          customFields: { plan: "pro" },
          createdAt: "2020-01-02T03:04:05.000Z",
        },
        {
          email: "argon@example.com",
          passwordHash: "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        },
        { email: "own@example.com", passwordHash: own },
        { phone: "+14155550123" },
      ],
    });
    expect(report.body).toEqual({ imported: 4, skipped: [] });
    const login = await shop.login("bcrypt@example.com");
    expect(login.body.user).toMatchObject({
      id,
      emailVerified: true,
      customFields: { plan: "pro" },
      createdAt: "2020-01-02T03:04:05.000Z",
    });
    expect((await shop.login("argon@example.com", "password")).status).toBe(200);
    expect((await shop.login("own@example.com")).status).toBe(200);
    const stored = await sql.db.selectFrom("end_users").select("password_hash").where("id", "=", id).executeTakeFirst();
    expect(stored?.password_hash).toMatch(/^pbkdf2-sha256\$/);
    expect((await shop.login("bcrypt@example.com")).status).toBe(200);
    expect((await shop.login("bcrypt@example.com", "Wrong-Word-1")).status).toBe(401);
  });

  it("are told which users of an import cannot be taken, and why; the others are", async () => {
    const { shop, admin } = await open();
    await shop.register("taken@example.com");
    const report = await admin("POST", "/import", {
      users: [
        { email: "taken@example.com" },
        { email: "nobody" },
        { name: "no contact" },
        { email: "a@example.com", passwordHash: "plain text" },
        { email: "b@example.com", passwordHash: `$2b$31$${"a".repeat(53)}` },
        { email: "c@example.com" },
        { email: "C@example.com" },
      ],
    });
    expect(report.body.imported).toBe(1);
    expect(report.body.skipped.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2, 3, 4, 6]);
    expect(report.body.skipped[3].reason).toContain("passwordHash");
    expect((await admin("POST", "/import", { users: Array.from({ length: 501 }, () => ({})) })).status).toBe(400);
  });
});
