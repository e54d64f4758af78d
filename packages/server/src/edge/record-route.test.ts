import { expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { actionOf } from "./record-route.ts";

describeEachControlDatabase("the audit log of routes", (openDatabase) => {
  it("holds every change that was made, and none that was refused or only read", async () => {
    const { createDeveloper, controlPlane } = await createTestApp(await openDatabase());
    const ada = await createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const key = await ada.createKey(project, "secret");
    await ada.call("PATCH", `/api/v1/projects/${project.id}`, { name: "Shop 2" });
    await ada.call("GET", `/api/v1/projects/${project.id}`);
    await ada.call("PATCH", `/api/v1/projects/${project.id}`, { name: "" });
    await ada.call("PATCH", "/api/v1/projects/prj_other", { name: "x" });
    await ada.call("DELETE", `/api/v1/projects/${project.id}/keys/${key.id}`);
    const { items } = await controlPlane.audit.list({ actor: ada.user.id }, { limit: 50 });
    expect(items.map(({ action }) => action).sort()).toEqual(
      [
        "account_key.created",
        "key.created",
        "key.revoked",
        "project.changed",
        "project.created",
        "session.opened",
      ].sort(),
    );
    const changed = items.find(({ action }) => action === "project.changed");
    expect(changed).toMatchObject({
      target: { kind: "project", id: project.id },
      projectId: project.id,
      before: { name: "Shop" },
      after: { name: "Shop 2" },
    });
    expect(JSON.stringify(items)).not.toContain(key.secret);
    await controlPlane.audit.extendChain();
    expect(await controlPlane.audit.verify()).toMatchObject({ valid: true, pending: 0 });
  });

  it("is for admins of the installation, and for those who may read it in their organisation", async () => {
    const { app, createDeveloper } = await createTestApp(await openDatabase());
    const ada = await createDeveloper("ada@example.com");
    const eve = await createDeveloper("eve@example.com");
    const project = await ada.createProject("Shop");
    await ada.call("PATCH", `/api/v1/projects/${project.id}`, { name: "Shop 2" });
    expect((await ada.call("GET", "/api/v1/admin/audit")).status).toBe(403);
    expect((await ada.call("GET", "/api/v1/admin/audit/verify")).status).toBe(403);
    const { body } = await ada.call("GET", `/api/v1/projects/${project.id}`);
    expect(body.project.id).toBe(project.id);
    const organisation = `org_${ada.user.id.slice("usr_".length)}`;
    const path = `/api/v1/organisations/${organisation}/audit`;
    const mine = await ada.call("GET", path);
    if (mine.status === 200) {
      expect(mine.body.entries.map(({ action }: { action: string }) => action)).toContain("project.changed");
      expect((await ada.call("GET", `${path}/export?format=csv`)).body).toContain('"project.changed"');
      const lines = await app.request(`${path}/export`, { headers: { "x-api-key": ada.accountKey } });
      for (const line of (await lines.text()).trim().split("\n")) expect(JSON.parse(line).id).toMatch(/^aud_/);
    }
    expect((await eve.call("GET", path)).status).toBe(404);
  });
});

it("actions are named by what is done to what", () => {
  for (const [method, path, action] of [
    ["post", "/api/v1/projects", "project.created"],
    ["delete", "/api/v1/projects/:project", "project.deleted"],
    ["put", "/api/v1/projects/:project/secrets/:name", "secret.set"],
    ["post", "/api/v1/projects/:project/functions/:function/rollback", "function.rolled_back"],
    ["post", "/api/v1/cli/deploy", "function.deployed"],
    ["post", "/api/v1/projects/:project/s3-keys", "s3_key.created"],
    ["get", "/api/v1/projects", null],
  ] as const) {
    expect(actionOf({ method, path })).toBe(action);
  }
});
