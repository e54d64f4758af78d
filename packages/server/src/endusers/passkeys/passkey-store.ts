import type { Kysely, Selectable } from "kysely";
import type { EndUserTables } from "../tables.ts";

export type PasskeyRow = Selectable<EndUserTables["end_user_passkeys"]>;
type Db = Kysely<EndUserTables>;

export const passkeyStore = {
  /** False when it is somebody's already. */
  async insert(db: Db, row: PasskeyRow): Promise<boolean> {
    const inserted = await db
      .insertInto("end_user_passkeys")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst();
    return inserted !== undefined;
  },

  async find(db: Db, projectId: string, id: string): Promise<PasskeyRow | undefined> {
    return await db
      .selectFrom("end_user_passkeys")
      .selectAll()
      .where("project_id", "=", projectId)
      .where("id", "=", id)
      .executeTakeFirst();
  },

  async listOf(db: Db, userId: string): Promise<PasskeyRow[]> {
    return await db
      .selectFrom("end_user_passkeys")
      .selectAll()
      .where("user_id", "=", userId)
      .orderBy("created_at")
      .limit(100)
      .execute();
  },

  async markUsed(db: Db, row: PasskeyRow, counter: number, isBackedUp: boolean, nowMs: number): Promise<void> {
    await db
      .updateTable("end_user_passkeys")
      .set({ counter, is_backed_up: isBackedUp ? 1 : 0, last_used_at: nowMs })
      .where("project_id", "=", row.project_id)
      .where("id", "=", row.id)
      .execute();
  },

  /** False when the user has no such one. */
  async remove(db: Db, projectId: string, userId: string, id: string): Promise<boolean> {
    const removed = await db
      .deleteFrom("end_user_passkeys")
      .where("project_id", "=", projectId)
      .where("user_id", "=", userId)
      .where("id", "=", id)
      .returning("id")
      .executeTakeFirst();
    return removed !== undefined;
  },
};
