import { PLANS } from "@aerostack/contracts";
import { expect, it } from "vitest";
import { createTestApp, createTestSecrets } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

describeEachControlDatabase("plans", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const app = await createTestApp(sql, { defaultPlan: "free" });
    const admin = await app.createDeveloper("admin@example.com");
    await sql
      .withTables<{ accounts: { id: string; is_admin: number } }>()
      .db.updateTable("accounts")
      .set({ is_admin: 1 })
      .where("id", "=", admin.user.id)
      .execute();
    // Who is an admin is read with the credential.
    const key = await app.call("POST", "/api/v1/account/keys", { body: { name: "admin" }, headers: admin.bearer });
    const asAdmin = (body: unknown, project: string) =>
      app.call("PUT", `/api/v1/admin/projects/${project}/plan`, { body, headers: { "x-api-key": key.body.secret } });
    const owner = await app.createDeveloper("owner@example.com");
    return { sql, app, asAdmin, owner, project: await owner.createProject("shop") };
  }

  it("are the installation's default until an admin chooses one, for a project of anybody", async () => {
    const { asAdmin, owner, project, app } = await open();
    const read = async () => (await owner.call("GET", `/api/v1/projects/${project.slug}/plan`)).body;
    expect(await read()).toEqual({ plan: "free", isDefault: true, realtime: PLANS.free.realtime });
    expect((await asAdmin({ plan: "pro" }, project.slug)).body).toEqual({
      plan: "pro",
      isDefault: false,
      realtime: PLANS.pro.realtime,
    });
    expect((await read()).plan).toBe("pro");
    expect(await app.controlPlane.plans.of(project.id)).toBe(PLANS.pro);
    expect((await asAdmin({ plan: null }, project.id)).body).toMatchObject({ plan: "free", isDefault: true });
    expect((await asAdmin({ plan: "gold" }, project.id)).status).toBe(400);
    expect((await asAdmin({ plan: "pro" }, "prj_absent")).status).toBe(404);
  });

  it("are not the owner's to choose, nor anybody else's to read", async () => {
    const { owner, project, app } = await open();
    const path = `/api/v1/admin/projects/${project.id}/plan`;
    expect((await owner.call("PUT", path, { plan: "enterprise" })).status).toBe(403);
    const stranger = await app.createDeveloper("stranger@example.com");
    expect((await stranger.call("GET", `/api/v1/projects/${project.id}/plan`)).status).toBe(404);
  });

  it("are known on every server within a second, and gone with their project", async () => {
    const { sql, asAdmin, owner, project, app } = await open();
    const other = await createTestApp(sql, { clock: app.clock, defaultPlan: "free", secrets: createTestSecrets() });
    expect(await other.controlPlane.plans.of(project.id)).toBe(PLANS.free);
    await asAdmin({ plan: "business" }, project.id);
    app.clock.advance(1_000);
    expect(await other.controlPlane.plans.of(project.id)).toBe(PLANS.business);
    await owner.call("DELETE", `/api/v1/projects/${project.id}?confirm=${project.slug}`);
    const left = await sql
      .withTables<{ project_plans: { plan: string } }>()
      .db.selectFrom("project_plans")
      .selectAll()
      .execute();
    expect(left).toEqual([]);
  });
});
