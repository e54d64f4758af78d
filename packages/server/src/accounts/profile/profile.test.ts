import { expect, it } from "vitest";
import { createTestApp } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";

describeEachControlDatabase("the profile of an account", (openDatabase) => {
  async function open() {
    const database = await openDatabase();
    const test = await createTestApp(database);
    const ada = await test.createDeveloper("ada@example.com");
    const get = async () => (await test.call("GET", "/api/auth/profile", { headers: ada.bearer })).body.profile;
    const change = (body: unknown, headers: Record<string, string> = ada.bearer) =>
      test.call("PATCH", "/api/auth/profile", { headers, body });
    return { ...test, database, ada, get, change };
  }

  it("P36 is corrected at once, field by field", async () => {
    const { call, ada, get, change } = await open();
    expect(await get()).toEqual({ name: null, timeZone: null, locale: null });
    const all = { name: "Ada Lovelace", timeZone: "Europe/London", locale: "en-GB" };
    expect((await change(all)).body.profile).toEqual(all);
    expect((await change({ timeZone: null })).body.profile).toEqual({ ...all, timeZone: null });
    expect((await change({})).body.profile).toEqual({ ...all, timeZone: null });
    expect(await get()).toEqual({ ...all, timeZone: null });
    expect((await call("GET", "/api/auth/me", { headers: ada.bearer })).body.user.name).toBe("Ada Lovelace");
  });

  it.each([
    { name: "" },
    { name: "a\u0000b" },
    { name: "\u202eevil" },
    { name: "x".repeat(101) },
    { timeZone: "Europe/Atlantis" },
    { timeZone: "+02:00" },
    { locale: "not a language" },
    { locale: "x".repeat(40) },
    { name: 5 },
  ])("refuses %j and keeps what there was", async (body) => {
    const { get, change } = await open();
    expect((await change(body)).status).toBe(400);
    expect(await get()).toEqual({ name: null, timeZone: null, locale: null });
  });

  it("leaves in the audit log which fields were changed, and none of what they say", async () => {
    const { database, change } = await open();
    await change({ name: "Ada Lovelace", isAdmin: true });
    const entries = await database
      .withTables<{ audit_entries: { action: string; after: string | null } }>()
      .db.selectFrom("audit_entries")
      .selectAll()
      .where("action", "=", "account.profile_changed")
      .execute();
    expect(entries).toMatchObject([{ after: '{"fields":["name"]}' }]);
  });
});
