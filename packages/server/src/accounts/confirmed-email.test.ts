import { expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { AccountTables } from "./tables.ts";

describeEachControlDatabase("an installation that asks for confirmed addresses", (openDatabase) => {
  it("lets an account make projects and invite others once it has confirmed its own", async () => {
    const database = await openDatabase();
    const { db } = database.withTables<AccountTables>();
    const { createDeveloper } = await createTestApp(database, { requireConfirmedEmail: true });
    const ada = await createDeveloper("ada@example.com");
    const makeProject = (path: string) => ada.call("POST", path, { name: "shop" });
    for (const path of ["/api/v1/projects", "/api/v1/cli/projects"]) {
      const refused = await makeProject(path);
      expect([refused.status, JSON.stringify(refused.body)]).toEqual([403, expect.stringContaining("not confirmed")]);
    }
    const { body } = await ada.call("POST", "/api/v1/organisations", { name: "Team" });
    const invite = () =>
      ada.call("POST", `/api/v1/organisations/${body.organisation.id}/invitations`, {
        email: "bob@example.com",
        role: "viewer",
      });
    expect((await invite()).status).toBe(403);
    await db.updateTable("accounts").set({ email_verified_at: 1 }).where("id", "=", ada.user.id).execute();
    expect((await makeProject("/api/v1/projects")).status).toBe(201);
    expect((await invite()).status).toBe(201);
  });
});
