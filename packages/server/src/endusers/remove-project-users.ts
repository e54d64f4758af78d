import type { Sql } from "../kernel/sql/index.ts";
import type { EndUserTables } from "./tables.ts";

/** Users whose rows, with all that hangs on them, go in one transaction: some tens of milliseconds. */
const BATCH_SIZE = 250;

/**
 * Removes the users of a project with everything that belongs to them, so that the project's own row has nothing left to
 * take with it. In small transactions, between which everybody else has a turn; one that was interrupted is gone on with.
 */
export async function removeProjectUsers(sql: Sql<EndUserTables>, projectId: string): Promise<void> {
  for (const [table, key] of [
    ["end_users", "id"],
    ["end_user_tokens", "hash"],
    ["end_user_otps", "target"],
  ] as const) {
    const { ref } = sql.db.dynamic;
    let removed: bigint;
    do {
      const batch = sql.db.selectFrom(table).select(ref(key)).where("project_id", "=", projectId).limit(BATCH_SIZE);
      const result = await sql.db
        .deleteFrom(table)
        .where("project_id", "=", projectId)
        .where(ref(key), "in", batch)
        .executeTakeFirst();
      removed = result.numDeletedRows;
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (removed > 0n);
  }
}
