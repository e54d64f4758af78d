import { expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

describeEachControlDatabase("calls of the management API that are refused", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const test = await createTestApp(database);
    const ada = await test.createDeveloper("ada@example.com");
    const eve = await test.createDeveloper("eve@example.com");
    const project = await ada.createProject("shop");
    const { db } = database.withTables<{
      audit_entries: {
        id: string;
        action: string;
        actor_id: string | null;
        target_id: string | null;
        project_id: string | null;
        organisation_id: string | null;
        after: string | null;
      };
    }>();
    const refusals = async () => {
      await test.controlPlane.idle();
      const rows = await db
        .selectFrom("audit_entries")
        .selectAll()
        .where("action", "=", "call.refused")
        .orderBy("target_id")
        .execute();
      return rows.map((row) => ({ ...row, after: JSON.parse(row.after ?? "null") }));
    };
    /** Makes somebody a member of the project's organisation. */
    const join = async (who: typeof eve, role: string) => {
      const organisation = await ada.call("POST", "/api/v1/organisations", { name: "Team" });
      const { id } = organisation.body.organisation;
      const invited = await ada.call("POST", `/api/v1/organisations/${id}/invitations`, { email: who.email, role });
      const token = invited.body.link.split("token=")[1];
      expect((await who.call("POST", "/api/v1/invitations/accept", { token })).status).toBe(200);
      const made = await ada.call("POST", "/api/v1/projects", { name: "ours", organisation: id });
      return { organisationId: id as string, project: made.body.project as { id: string; slug: string } };
    };
    return { ...test, ada, eve, project, refusals, join };
  }

  it("are in the log of whoever owns the thing: who asked for what, and which permission was missing", async () => {
    const { ada, eve, refusals, join, call } = await open();
    const { organisationId, project } = await join(eve, "viewer");
    const answer = await eve.call("POST", `/api/v1/projects/${project.slug}/keys`, { name: "x", kind: "secret" });
    expect(answer.status).toBe(403);
    expect(await refusals()).toMatchObject([
      {
        actor_id: eve.user.id,
        target_id: "POST /api/v1/projects/:project/keys",
        project_id: project.id,
        organisation_id: organisationId,
        after: { permission: "keys.write", reason: expect.stringContaining("keys.write") },
      },
    ]);
    const shown = await ada.call("GET", `/api/v1/organisations/${organisationId}/audit?action=call.refused`);
    expect(shown.body.entries).toHaveLength(1);
    // A viewer does not read it, which is a refusal of its own.
    expect((await eve.call("GET", `/api/v1/organisations/${organisationId}/audit`)).status).toBe(403);
    expect(await refusals()).toHaveLength(2);
    expect((await call("GET", `/api/v1/projects/${project.id}`)).status).toBe(401);
    expect(await refusals()).toHaveLength(2);
  });

  it("tell of strangers who ask for a thing that is there, answered as for one that is not", async () => {
    const { eve, ada, project, refusals } = await open();
    const foreign = await eve.call("GET", `/api/v1/projects/${project.slug}`);
    const missing = await eve.call("GET", "/api/v1/projects/nothing-here");
    expect([foreign.status, foreign.body.error.message]).toEqual([404, missing.body.error.message]);
    expect((await eve.call("GET", `/api/v1/organisations/${project.organisationId}`)).status).toBe(404);
    // What an owner asks for in vain within their own is no refusal.
    expect((await ada.call("DELETE", `/api/v1/projects/${project.id}/keys/key_none`)).status).toBe(404);
    const noted = await refusals();
    expect(noted.map(({ target_id, project_id, after }) => [target_id, project_id, after.reason])).toEqual([
      ["GET /api/v1/organisations/:organisation", null, "not a member"],
      ["GET /api/v1/projects/:project", project.id, "not a member"],
    ]);
    expect(noted.every(({ organisation_id }) => organisation_id === project.organisationId)).toBe(true);
  });

  it("of operators' addresses and of keys that may too little are the operator's to read", async () => {
    const { eve, ada, project, refusals, call } = await open();
    expect((await eve.call("GET", "/api/v1/admin/audit")).status).toBe(403);
    const limited = await ada.call("POST", "/api/v1/account/keys", { name: "reader", scopes: ["projects:read"] });
    const headers = { "x-api-key": limited.body.secret as string };
    expect((await call("DELETE", `/api/v1/projects/${project.id}`, { headers })).status).toBe(403);
    expect((await refusals()).map(({ actor_id, organisation_id }) => [actor_id, organisation_id])).toEqual([
      [ada.user.id, project.organisationId],
      [eve.user.id, null],
    ]);
  });

  it("fill nothing: sixty an hour of one caller are written down", async () => {
    const { eve, project, refusals, clock } = await open();
    const ask = () => eve.call("GET", `/api/v1/projects/${project.id}`);
    for (let time = 0; time < 65; time++) await ask();
    expect(await refusals()).toHaveLength(60);
    clock.advance(2 * 60 * 60_000);
    await ask();
    expect(await refusals()).toHaveLength(61);
  });
});
