import { expect, it } from "vitest";
import type { AccountTables } from "../accounts/tables.ts";
import type { EndUserTables } from "../endusers/tables.ts";
import { createEndUserTest } from "../endusers/testing.ts";
import type { ProjectTables } from "../projects/tables.ts";
import { TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { LegalTables } from "./tables.ts";

const CASES = "/api/v1/admin/legal/cases";
const DAY_MS = 24 * 60 * 60_000;

describeEachControlDatabase("P15 a legal hold", (openDatabase) => {
  async function start() {
    const database = await openDatabase();
    const test = await createEndUserTest(database);
    const { db } = database.withTables<
      AccountTables & LegalTables & ProjectTables & EndUserTables & { organisations: { id: string } }
    >();
    const admin = await test.createDeveloper("admin@example.com");
    await db.updateTable("accounts").set({ is_admin: 1 }).where("id", "=", admin.user.id).execute();
    await test.controlPlane.changes.commit(database, [`account:${admin.user.id}`], async () => undefined);
    const ask = async (method: string, path: string, body?: unknown, by = admin) => {
      test.clock.advance(1);
      return await by.call(method, `${CASES}${path}`, body);
    };
    const open = async (kind: string, id: string): Promise<string> => {
      const made = await ask("POST", "", {
        reference: "4 Js 123/26",
        authority: "District court",
        legalBasis: "Section 94 of the code of criminal procedure",
        subject: { kind, id },
      });
      expect(made.status, JSON.stringify(made.body)).toBe(201);
      return made.body.case.id;
    };
    const hold = async (kind: string, id: string, tellSubject?: string): Promise<string> => {
      const caseId = await open(kind, id);
      const held = await ask("POST", `/${caseId}/hold`, tellSubject === undefined ? {} : { tellSubject });
      expect(held.body.case.hold).toMatchObject({ inForce: true, placedBy: admin.user.id });
      return caseId;
    };
    const lift = async (id: string) => {
      const lifted = await ask("POST", `/${id}/lift`, { reason: "The court has let it go." });
      await test.controlPlane.idle();
      return lifted;
    };
    const keptBack = async (id: string) =>
      (await ask("GET", `/${id}`)).body.keptBack.map(({ kind, id: of }: { kind: string; id: string }) => [kind, of]);
    const ids = async (table: "accounts" | "projects" | "organisations" | "end_users" | "legal_kept_back") =>
      (await db.selectFrom(table).select("id").orderBy("id").execute()).map(({ id }) => id);
    const actions = async () => {
      const { entries } = (await admin.call("GET", "/api/v1/admin/audit?limit=200")).body;
      return entries
        .map(({ action }: { action: string }) => action)
        .filter((action: string) => action.startsWith("legal"));
    };
    return { ...test, database, db, admin, ask, open, hold, lift, keptBack, ids, actions };
  }

  it("keeps a closed account and its projects until it is lifted, and then deletes them as was asked", async () => {
    const { createDeveloper, call, clock, hold, lift, keptBack, ids, controlPlane, readMail, ask } = await start();
    const ada = await createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const caseId = await hold("account", "ada@example.com");
    const closed = await call("POST", "/api/auth/account/close", {
      body: { password: TEST_PASSWORD },
      headers: ada.bearer,
    });
    // Accepted, with the day that the law without a hold would have: nothing tells of the hold.
    expect(closed).toMatchObject({ status: 200, body: { success: true } });
    clock.advance(40 * DAY_MS);
    await controlPlane.carryOutReleased();
    expect(await ids("accounts")).toContain(ada.user.id);
    expect(await ids("projects")).toContain(project.id);
    expect(await keptBack(caseId)).toEqual([["account", ada.user.id]]);
    expect((await call("GET", "/api/v1/projects", { headers: { "x-api-key": ada.accountKey } })).status).toBe(401);
    expect(await ask("POST", `/${caseId}/close`, { reason: "Done." })).toMatchObject({ status: 409 });
    expect((await readMail("ada@example.com")).some(({ kind }) => kind === "legal-hold")).toBe(false);

    expect((await lift(caseId)).body.case.hold).toMatchObject({
      inForce: false,
      liftReason: "The court has let it go.",
    });
    expect(await ids("accounts")).not.toContain(ada.user.id);
    expect(await ids("projects")).not.toContain(project.id);
    expect((await ask("POST", `/${caseId}/close`, { reason: "Done." })).body.case.state).toBe("closed");
  });

  it("does not hold up the deletion of others, however many are held", async () => {
    const { createDeveloper, call, clock, hold, ids, controlPlane } = await start();
    const [ada, bob] = [await createDeveloper("ada@example.com"), await createDeveloper("bob@example.com")];
    await hold("account", ada.user.id);
    for (const one of [ada, bob]) {
      await call("POST", "/api/auth/account/close", { body: { password: TEST_PASSWORD }, headers: one.bearer });
    }
    clock.advance(40 * DAY_MS);
    await controlPlane.carryOutReleased();
    expect(await ids("accounts")).toContain(ada.user.id);
    expect(await ids("accounts")).not.toContain(bob.user.id);
  });

  it("keeps a project that its people delete, and its organisation, which are gone for all of them", async () => {
    const { createDeveloper, hold, lift, keptBack, ids, controlPlane } = await start();
    const ada = await createDeveloper("ada@example.com");
    const { body } = await ada.call("POST", "/api/v1/organisations", { name: "Team" });
    const organisation: string = body.organisation.id;
    const made = await ada.call("POST", "/api/v1/projects", { name: "Shop", organisation });
    const project: string = made.body.project.id;
    const removed: string[] = [];
    controlPlane.projects.onDelete("test", async ({ id }) => void removed.push(id));
    const caseId = await hold("project", made.body.project.slug);
    expect((await ada.call("DELETE", `/api/v1/projects/${project}?confirm=${made.body.project.slug}`)).status).toBe(
      200,
    );
    expect((await ada.call("GET", `/api/v1/projects/${project}`)).status).toBe(404);
    expect((await ada.call("DELETE", `/api/v1/organisations/${organisation}`)).status).toBe(200);
    expect((await ada.call("GET", `/api/v1/organisations/${organisation}`)).status).toBe(404);
    expect(
      (await ada.call("GET", "/api/v1/organisations")).body.organisations.map(({ id }: { id: string }) => id),
    ).not.toContain(organisation);
    await controlPlane.carryOutReleased();
    expect(removed).toEqual([]);
    expect(await ids("projects")).toContain(project);
    expect(await ids("organisations")).toContain(organisation);
    expect(await keptBack(caseId)).toEqual([["project", project]]);
    await lift(caseId);
    expect(removed).toEqual([project]);
    expect(await ids("projects")).not.toContain(project);
    expect(await ids("organisations")).not.toContain(organisation);
    expect(await ids("legal_kept_back")).toEqual([]);
  });

  it("keeps a user's rows sealed when the project deletes them, and nobody of the project notices", async () => {
    const { createProject, hold, lift, keptBack, ids, db } = await start();
    const shop = await createProject();
    const registered = await shop.register("kim@example.com", { name: "Kim" });
    const userId: string = registered.body.user.id;
    const caseId = await hold("end_user", userId);
    const remove = (id: string) => shop.developer.call("DELETE", `/api/v1/projects/${shop.id}/auth/users/${id}`);
    expect((await remove(userId)).status).toBe(200);
    expect((await shop.developer.call("GET", `/api/v1/projects/${shop.id}/auth/users/${userId}`)).status).toBe(404);
    expect((await shop.login("kim@example.com")).status).toBe(401);
    expect((await shop.register("kim@example.com")).status).toBe(201);
    expect(await keptBack(caseId)).toEqual([["end_user", userId]]);
    const [kept] = await db.selectFrom("legal_kept_back").selectAll().execute();
    expect(JSON.stringify(kept)).not.toContain("kim");
    // Another user goes at once.
    const other = await shop.register("lee@example.com");
    await remove(other.body.user.id);
    expect(await ids("legal_kept_back")).toHaveLength(1);
    await lift(caseId);
    expect(await ids("legal_kept_back")).toEqual([]);
  });

  it("keeps a user who deletes themselves, and what is in a project that is held", async () => {
    const { createProject, hold, lift, ids } = await start();
    const shop = await createProject();
    const caseId = await hold("project", shop.id);
    const registered = await shop.register("kim@example.com");
    const gone = await shop.auth("DELETE", "/me", { token: registered.body.token, body: { password: TEST_PASSWORD } });
    expect(gone.status, JSON.stringify(gone.body)).toBe(200);
    expect(await ids("end_users")).toEqual([]);
    expect(await ids("legal_kept_back")).toHaveLength(1);
    await lift(caseId);
    expect(await ids("legal_kept_back")).toEqual([]);
  });

  it("tells the subject what the operator allows, and is in the audit log step by step", async () => {
    const { createDeveloper, hold, lift, ask, actions, readMail, admin } = await start();
    const ada = await createDeveloper("ada@example.com");
    const caseId = await hold("account", ada.user.id, "A court has ordered us to keep your data.");
    const [mail] = (await readMail("ada@example.com")).filter(({ kind }) => kind === "legal-hold");
    expect(mail?.text).toContain("A court has ordered us to keep your data.");
    expect(mail?.text).not.toContain("4 Js 123/26");
    expect(await ask("POST", `/${caseId}/hold`, {})).toMatchObject({ status: 409 });
    expect((await ask("PATCH", `/${caseId}`, { notes: "Called the court." })).body.case.notes).toBe(
      "Called the court.",
    );
    await lift(caseId);
    expect(await ask("POST", `/${caseId}/lift`, { reason: "Again." })).toMatchObject({ status: 409 });
    await ask("POST", `/${caseId}/close`, { reason: "Done." });
    expect(await ask("PATCH", `/${caseId}`, { notes: "Too late." })).toMatchObject({ status: 409 });
    expect(await actions()).toEqual([
      "legal_case.closed",
      "legal_hold.lifted",
      "legal_case.noted",
      "legal_hold.placed",
      "legal_case.opened",
    ]);
    expect((await admin.call("GET", "/api/v1/admin/audit/verify")).body).toMatchObject({ valid: true, pending: 0 });
    const own = await ada.call("GET", `/api/v1/organisations/org_${ada.user.id.slice(4)}/audit`);
    expect(JSON.stringify(own.body)).not.toContain("legal_");
  });

  it("is for administrators alone: to others a case that is there is like one that is not, and a session proves itself", async () => {
    const { createDeveloper, open, ask, call, clock, admin } = await start();
    const ada = await createDeveloper("ada@example.com");
    const caseId = await open("account", ada.user.id);
    for (const [method, tail, body] of [
      ["GET", "", undefined],
      ["PATCH", "", { notes: "x" }],
      ["POST", "/hold", {}],
      ["POST", "/lift", { reason: "x" }],
      ["POST", "/close", { reason: "x" }],
    ] as const) {
      const [there, absent] = [
        await ask(method, `/${caseId}${tail}`, body, ada),
        await ask(method, `/lgc_none${tail}`, body, ada),
      ];
      expect(there.status, tail).toBe(403);
      const { requestId: _one, ...shown } = there.body.error;
      const { requestId: _other, ...same } = absent.body.error;
      expect(shown).toEqual(same);
      expect((await ask(method, `/lgc_none${tail}`, body)).status, tail).toBe(404);
    }
    expect((await ask("GET", "", undefined, ada)).status).toBe(403);
    expect((await call("GET", CASES)).status).toBe(401);
    expect(
      (
        await ask("POST", "", {
          reference: "x",
          authority: "x",
          legalBasis: "x",
          subject: { kind: "account", id: "usr_none" },
        })
      ).status,
    ).toBe(404);
    clock.advance(11 * 60_000);
    const refreshed = await call("POST", "/api/auth/refresh", { body: { refreshToken: admin.refreshToken } });
    const late = await call("POST", `${CASES}/${caseId}/hold`, {
      body: {},
      headers: { authorization: `Bearer ${refreshed.body.token}` },
    });
    expect(late).toMatchObject({ status: 403, body: { error: { code: "AUTH_PROOF_REQUIRED" } } });
  });
});
