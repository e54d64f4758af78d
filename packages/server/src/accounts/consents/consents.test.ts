import { expect, it } from "vitest";
import { createTestApp } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";

describeEachControlDatabase("consents of accounts", (openDatabase) => {
  async function open() {
    const test = await createTestApp(await openDatabase());
    const ada = await test.createDeveloper("ada@example.com");
    const list = async (headers: Record<string, string> = ada.bearer, query = "") =>
      (await test.call("GET", `/api/auth/consents${query}`, { headers })).body;
    const set = (
      granted: unknown,
      version = "2026-06",
      headers: Record<string, string> = ada.bearer,
      purpose = "marketing",
    ) => {
      test.clock.advance(1_000);
      return test.call("PUT", `/api/auth/consents/${purpose}`, { headers, body: { granted, version } });
    };
    return { ...test, ada, list, set };
  }

  it("P14 are not there until somebody gives them: marketing is off by default", async () => {
    const { list } = await open();
    expect(await list()).toEqual({
      consents: [{ purpose: "marketing", granted: false, version: null, decidedAt: null }],
      history: [],
      nextCursor: null,
    });
  });

  it("P40 are withdrawn where they were given, and every yes and no is kept with version, time and source", async () => {
    const { list, set, ada } = await open();
    expect((await set(true)).body).toEqual({ success: true });
    expect((await list()).consents).toMatchObject([{ granted: true, version: "2026-06" }]);
    await set(true, "2026-07");
    await set(false, "2026-07", { "x-api-key": ada.accountKey });
    await set(false, "2026-07");
    const { consents, history } = await list();
    expect(consents).toMatchObject([{ granted: false, version: "2026-07" }]);
    expect(history).toMatchObject([
      { granted: false, version: "2026-07", source: "api" },
      { granted: true, version: "2026-07", source: "account" },
      { granted: true, version: "2026-06", source: "account" },
    ]);
    const times = history.map(({ decidedAt }: { decidedAt: string }) => Date.parse(decidedAt));
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const page = await list(ada.bearer, "?limit=2");
    expect(page.history).toHaveLength(2);
    expect((await list(ada.bearer, `?limit=2&cursor=${page.nextCursor}`)).history).toHaveLength(1);
  });

  it("are given by a person, for purposes that there are, and are nobody else's to see", async () => {
    const { list, set, ada, createDeveloper } = await open();
    expect((await set(true, "1", { "x-api-key": ada.accountKey })).status).toBe(403);
    expect((await set(true, "1", ada.bearer, "everything")).status).toBe(400);
    expect((await set("yes")).status).toBe(400);
    expect((await set(true, "a\nb")).status).toBe(400);
    expect((await set(true, "1", {})).status).toBe(401);
    expect((await list()).history).toEqual([]);
    await set(true);
    const bob = await createDeveloper("bob@example.com");
    expect((await list(bob.bearer)).history).toEqual([]);
  });
});
