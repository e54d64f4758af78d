import { expect, it } from "vitest";
import type { AccountTables } from "../../accounts/tables.ts";
import { createTestApp, createTestSecrets, TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";

const BLOCKS = "/api/v1/admin/blocks";
const HOUR_MS = 60 * 60_000;

describeEachControlDatabase("P12 whom the operators keep out", (openDatabase) => {
  async function start() {
    const database = await openDatabase();
    const secrets = createTestSecrets();
    const test = await createTestApp(database, { secrets, trustProxy: ["true"] });
    const { db } = database.withTables<AccountTables>();
    async function createAdmin(email: string) {
      const one = await test.createDeveloper(email);
      await db.updateTable("accounts").set({ is_admin: 1 }).where("id", "=", one.user.id).execute();
      test.clock.advance(2_000);
      await test.controlPlane.changes.commit(database, [`account:${one.user.id}`], async () => undefined);
      return one;
    }
    const admin = await createAdmin("admin@example.com");
    const ada = await test.createDeveloper("ada@example.com");
    // Each at a time of its own, by which entries and mails are in order.
    const block = async (kind: string, subject: string, extra: Record<string, unknown> = {}, by = admin) => {
      await test.controlPlane.idle();
      test.clock.advance(1);
      return by.call("POST", BLOCKS, { kind, subject, reason: "It sends spam.", ...extra });
    };
    const lift = async (id: string, reason = "They have mended it.") => {
      await test.controlPlane.idle();
      test.clock.advance(1);
      return admin.call("POST", `${BLOCKS}/${id}/lift`, { reason });
    };
    const logIn = (email: string) => {
      test.clock.advance(16 * 60_000);
      return test.call("POST", "/api/auth/login", { body: { email, password: TEST_PASSWORD } });
    };
    const asAda = () => test.call("GET", "/api/v1/projects", { headers: ada.bearer });
    return { ...test, database, secrets, createAdmin, admin, ada, block, lift, logIn, asAda };
  }

  const BLOCKED = { status: 403, body: { error: { code: "BLOCKED" } } };

  it("are refused with every credential and at log-in, on every server, and let in again as they were", async () => {
    const test = await start();
    const { ada, block, lift, logIn, asAda, call, database, secrets, clock } = test;
    const other = await createTestApp(database, { secrets, clock });
    const byKey = () => other.call("GET", "/api/v1/projects", { headers: { "x-api-key": ada.accountKey } });
    expect([(await asAda()).status, (await byKey()).status]).toEqual([200, 200]);

    const made = await block("account", "ADA@example.com");
    expect(made).toMatchObject({
      status: 201,
      body: { block: { kind: "account", subject: ada.user.id, state: "in_force" } },
    });
    expect(await asAda()).toMatchObject(BLOCKED);
    clock.advance(1_000);
    expect(await byKey()).toMatchObject(BLOCKED);
    const refresh = () => call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    for (const refused of [await refresh(), await logIn("ada@example.com")]) {
      expect(refused).toMatchObject({ status: 403, body: { code: "BLOCKED" } });
      expect(refused.body.message).toContain("http://aerostack.test/contact");
    }
    // Whoever does not know the password learns nothing of the block.
    clock.advance(16 * 60_000);
    const guess = await call("POST", "/api/auth/login", {
      body: { email: "ada@example.com", password: "Wrong-Horse-7" },
    });
    expect(guess.body.code).toBe("AUTH_INVALID_CREDENTIALS");

    expect((await lift(made.body.block.id)).body.block).toMatchObject({
      state: "lifted",
      liftReason: "They have mended it.",
    });
    clock.advance(1_000);
    expect((await byKey()).status).toBe(200);
    expect((await refresh()).status).toBe(200);
    expect((await logIn("ada@example.com")).status).toBe(200);
    expect(await lift(made.body.block.id)).toMatchObject({ status: 409 });
    expect(await lift("blk_none")).toMatchObject({ status: 404 });
  });

  it("read the reason only where it is public, and always where to object", async () => {
    const { block, lift, asAda, ada, readMail } = await start();
    const quiet = await block("account", ada.user.id);
    const refused = await asAda();
    expect(JSON.stringify(refused.body)).not.toContain("spam");
    expect(refused.body.error).toMatchObject({ fix: expect.stringContaining("http://aerostack.test/contact") });
    expect(refused.body.error.fix).toContain(quiet.body.block.id);
    const [mail] = (await readMail("ada@example.com")).filter(({ kind }) => kind === "blocked");
    expect(mail?.subject).toContain("Blocked");
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain("your account");
      expect(part).toContain("http://aerostack.test/contact");
      expect(part).toContain(quiet.body.block.id);
      expect(part).not.toContain("spam");
    }
    await lift(quiet.body.block.id);
    await block("account", ada.user.id, { isReasonPublic: true });
    expect((await asAda()).body.error.message).toContain("It sends spam.");
    const kinds = (await readMail("ada@example.com")).map(({ kind }) => kind);
    expect(kinds.filter((kind) => /blocked/.test(kind))).toEqual(["blocked", "unblocked", "blocked"]);
    expect((await readMail("ada@example.com")).at(-1)?.text).toContain("It sends spam.");
  });

  it("are let in again when the time is over, and stay in the list", async () => {
    const { admin, block, asAda, ada, clock } = await start();
    const endsAt = new Date(clock.now() + HOUR_MS / 6).toISOString();
    const made = await block("account", ada.user.id, { endsAt });
    expect((await asAda()).body.error.message).toContain(endsAt);
    expect(await block("account", ada.user.id)).toMatchObject({ status: 409 });
    clock.advance(HOUR_MS / 6);
    expect((await asAda()).status).toBe(200);
    expect((await admin.call("GET", `${BLOCKS}/${made.body.block.id}`)).body.block.state).toBe("ended");
    const inForce = await admin.call("GET", `${BLOCKS}?state=in_force`);
    expect(inForce.body.blocks).toEqual([]);
    expect((await admin.call("GET", `${BLOCKS}?state=ended`)).body.blocks).toHaveLength(1);
    expect((await block("account", ada.user.id, { endsAt })).status).toBe(400);
    expect((await block("account", ada.user.id)).status).toBe(201);
  });

  it("are never the operator, the last of them, this machine or the operator's own network", async () => {
    const { admin, block, createAdmin, call, ada, lift } = await start();
    for (const [kind, subject] of [
      ["account", admin.user.id],
      ["key", admin.accountKeyId],
      ["network", "127.0.0.1"],
      ["network", "127.0.0.0/8"],
      ["network", "::1"],
    ] as const) {
      const refused = await block(kind, subject);
      expect(refused, subject).toMatchObject({ status: 409, body: { error: { code: "CONFLICT" } } });
      expect(refused.body.error.message, subject).toContain("lock out");
    }
    const own = await call("POST", BLOCKS, {
      headers: { "x-api-key": admin.accountKey, "x-forwarded-for": "192.0.2.7" },
      body: { kind: "network", subject: "192.0.2.0/24", reason: "Too wide." },
    });
    expect(own).toMatchObject({ status: 409 });
    // Two administrators cannot block each other.
    const second = await createAdmin("second@example.com");
    const made = await block("account", second.user.id);
    expect(made.status).toBe(201);
    await lift(made.body.block.id);
    const [one, two] = await Promise.all([
      block("account", second.user.id),
      block("account", admin.user.id, {}, second),
    ]);
    expect([one.status, two.status].filter((status) => status === 201)).toHaveLength(1);
    for (const [kind, subject, status] of [
      ["network", "10.0.0.0/7", 400],
      ["network", "everybody", 400],
      ["account", "acc_none", 404],
      ["project", "prj_none", 404],
      ["planet", "earth", 400],
      ["account", "a b", 400],
    ] as const) {
      const by = one.status === 201 ? admin : second;
      expect((await block(kind, subject, {}, by)).status, subject).toBe(status);
    }
    expect((await ada.call("GET", "/api/v1/projects")).status).toBe(200);
  });

  it("may be a project or an organisation, which its own people can still look at and nobody can use", async () => {
    const { block, lift, ada, call, readMail } = await start();
    const project = await ada.createProject("Shop");
    const key = await ada.createKey(project, "secret");
    const look = () => ada.call("GET", `/api/v1/projects/${project.id}`);
    const change = () => ada.call("PATCH", `/api/v1/projects/${project.id}`, { name: "Shop 2" });
    const byKey = () => call("GET", `/api/v1/projects/${project.id}`, { headers: { "x-api-key": key.secret } });
    for (const [kind, subject] of [
      ["project", project.slug],
      ["organisation", project.organisationId],
    ] as const) {
      const made = await block(kind, subject);
      expect(made.status, kind).toBe(201);
      expect([(await look()).status, (await change()).status, (await byKey()).status], kind).toEqual([200, 403, 403]);
      expect(await change()).toMatchObject(BLOCKED);
      expect(await byKey()).toMatchObject(BLOCKED);
      const create = await ada.call("POST", "/api/v1/projects", {
        name: "Another",
        organisation: project.organisationId,
      });
      expect(create.status, kind).toBe(kind === "organisation" ? 403 : 201);
      await lift(made.body.block.id);
      expect([(await change()).status, (await byKey()).status], kind).toEqual([200, 200]);
    }
    const told = (await readMail("ada@example.com")).filter(({ kind }) => kind === "blocked");
    expect(told.map(({ text }) => /the (project|organisation) '/.exec(text)?.[1]).toSorted()).toEqual([
      "organisation",
      "project",
    ]);
  });

  it("may be one key, and nothing else of its account", async () => {
    const { block, ada, call, asAda } = await start();
    const other = await call("POST", "/api/v1/account/keys", { body: { name: "other" }, headers: ada.bearer });
    expect((await block("key", ada.accountKeyId)).status).toBe(201);
    expect(await ada.call("GET", "/api/v1/projects")).toMatchObject(BLOCKED);
    expect((await asAda()).status).toBe(200);
    expect((await call("GET", "/api/v1/projects", { headers: { "x-api-key": other.body.secret } })).status).toBe(200);
  });

  it("are written to the audit log, where those who are blocked do not read the reason", async () => {
    const { admin, block, lift, ada } = await start();
    const project = await ada.createProject("Shop");
    const made = await block("project", project.id);
    await lift(made.body.block.id);
    const { entries } = (await admin.call("GET", "/api/v1/admin/audit?action=block.*")).body;
    expect(
      entries.map(({ action, target, actor }: Record<string, Record<string, string>>) => [
        action,
        target?.id,
        actor?.id,
      ]),
    ).toEqual([
      ["block.lifted", project.id, admin.user.id],
      ["block.created", project.id, admin.user.id],
    ]);
    expect(JSON.stringify(entries)).toContain("It sends spam.");
    const own = await ada.call("GET", `/api/v1/organisations/${project.organisationId}/audit`);
    expect(own.status).toBe(200);
    expect(JSON.stringify(own.body)).not.toContain("spam");
  });

  it("are for administrators to say, and there is nothing here for anybody else", async () => {
    const { ada, call, block } = await start();
    const made = await block("network", "192.0.2.0/24");
    for (const [method, path, body] of [
      ["GET", BLOCKS, undefined],
      ["GET", `${BLOCKS}/${made.body.block.id}`, undefined],
      ["POST", BLOCKS, { kind: "network", subject: "198.51.100.1", reason: "No." }],
      ["POST", `${BLOCKS}/${made.body.block.id}/lift`, { reason: "No." }],
    ] as const) {
      expect((await ada.call(method, path, body)).status, path).toBe(403);
      expect((await call(method, path, { body })).status, path).toBe(401);
    }
  });
});
