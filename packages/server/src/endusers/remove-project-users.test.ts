import { expect, it } from "vitest";
import { expectWithin } from "../../../../e2e/harness/expect-within.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { EndUserTables } from "./tables.ts";
import { createEndUserTest } from "./testing.ts";
import { newEndUser } from "./users/new-user.ts";

const USERS = 50_000;
const PER_INSERT = 5_000;

describeEachControlDatabase("removing the users of a project", (openDatabase) => {
  it("takes 50,000 with their sessions, in a bounded time, gives way between batches, and touches no other project", async () => {
    const untyped = await openDatabase();
    const test = await createEndUserTest(untyped);
    const sql = untyped.withTables<EndUserTables>();
    const [big, other] = [await test.createProject("Big"), await test.createProject("Other")];
    await other.register("ada@example.com");
    for (let done = 0; done < USERS; done += PER_INSERT) {
      const rows = Array.from({ length: PER_INSERT }, () => newEndUser(big.id, 0, {}));
      await sql.insertMany("end_users", rows);
      await sql.insertMany(
        "end_user_sessions",
        rows.map(({ id }) => ({
          id,
          project_id: big.id,
          user_id: id,
          refresh_hash: id,
          created_at: 0,
          last_used_at: 0,
          expires_at: 1,
          ip: null,
          user_agent: null,
          methods: "pwd",
          revoked_at: null,
          revoke_reason: null,
        })),
      );
    }

    let longestWaitMs = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longestWaitMs = Math.max(longestWaitMs, performance.now() - last);
      last = performance.now();
    }, 5);
    const startedAt = performance.now();
    await test.endUsers.removeProject(big.id);
    const tookMs = performance.now() - startedAt;
    clearInterval(beat);

    expect(tookMs).toBeLessThan(30_000);
    expectWithin(longestWaitMs, 500);
    for (const table of ["end_users", "end_user_sessions"] as const) {
      const rows = await sql.db.selectFrom(table).select("project_id").execute();
      expect(rows).toEqual([{ project_id: other.id }]);
    }
  }, 120_000);
});
