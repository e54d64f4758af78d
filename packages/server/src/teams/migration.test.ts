import { expect, it } from "vitest";
import { migrate } from "../kernel/sql/index.ts";
import { describeEachDialect } from "../kernel/sql/testing.ts";
import { migrations } from "../migrations.ts";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import type { TeamTables } from "./tables.ts";

describeEachDialect("organisations of accounts that were there before", (openDatabase) => {
  it("are their own, with all their projects, and they own them", async () => {
    const sql = await openDatabase();
    const before = Object.entries(migrations.control).filter(([name]) => name < "0030");
    await migrate(sql, "control", Object.fromEntries(before));
    const old = sql.withTables<{
      accounts: Record<string, unknown>;
      projects: Record<string, unknown>;
    }>();
    const hash = "pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0$aGFzaA";
    for (const id of ["usr_01old1", "usr_01old2"]) {
      const times = { created_at: 5, updated_at: 5 };
      const account = { id, email: `${id}@example.com`, name: null, password_hash: hash, is_admin: 0, ...times };
      await old.db.insertInto("accounts").values(account).execute();
      const project = { id: `prj_of_${id}`, owner_id: id, name: "Old", slug: id.slice(4), ...times };
      await old.db.insertInto("projects").values(project).execute();
    }

    const { call } = await createTestApp(sql);
    const { db } = sql.withTables<TeamTables>();
    expect(await db.selectFrom("projects").select(["id", "organisation_id"]).orderBy("id").execute()).toEqual([
      { id: "prj_of_usr_01old1", organisation_id: "org_01old1" },
      { id: "prj_of_usr_01old2", organisation_id: "org_01old2" },
    ]);
    expect(await db.selectFrom("organisation_members").selectAll().orderBy("account_id").execute()).toEqual([
      { organisation_id: "org_01old1", account_id: "usr_01old1", role: "owner", created_at: 5 },
      { organisation_id: "org_01old2", account_id: "usr_01old2", role: "owner", created_at: 5 },
    ]);
    const later = { email: "new@example.com", password: TEST_PASSWORD, ageConfirmed: true };
    const registered = await call("POST", "/api/auth/register", { body: later });
    const own = await db
      .selectFrom("organisations")
      .selectAll()
      .where("personal_account_id", "=", registered.body.user.id)
      .execute();
    expect(own).toHaveLength(1);
  });
});
