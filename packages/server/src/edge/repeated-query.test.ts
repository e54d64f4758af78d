import { afterEach, expect, it } from "vitest";
import { openTemporarySqlite } from "../kernel/sql/testing.ts";
import { createTestApp } from "../testing.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

it("a parameter that comes twice is refused, whichever of the two would have counted", async () => {
  const { call, createDeveloper } = await createTestApp(await openTemporarySqlite(cleanups));
  const ada = await createDeveloper("ada@example.com");
  const list = (query: string) =>
    call("GET", `/api/v1/projects?${query}`, { headers: { "x-api-key": ada.accountKey } });
  expect((await list("limit=1")).status).toBe(200);
  for (const query of ["limit=1&limit=2", "limit=1&limit=1", "limit=1&%6cimit=2", "x=1&limit=1&x=2"]) {
    expect(await list(query), query).toMatchObject({ status: 400, body: { error: { code: "REQUEST_MALFORMED" } } });
  }
});
