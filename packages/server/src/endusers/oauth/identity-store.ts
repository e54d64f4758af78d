import type { Kysely, Selectable } from "kysely";
import type { EndUserTables } from "../tables.ts";

export type IdentityRow = Selectable<EndUserTables["end_user_identities"]>;
type Db = Kysely<EndUserTables>;

export const identityStore = {
  /** False when it is somebody's already. */
  async insert(db: Db, row: IdentityRow): Promise<boolean> {
    const inserted = await db
      .insertInto("end_user_identities")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning("user_id")
      .executeTakeFirst();
    return inserted !== undefined;
  },

  async find(
    db: Db,
    { project_id, provider, subject_hash }: Pick<IdentityRow, "project_id" | "provider" | "subject_hash">,
  ): Promise<IdentityRow | undefined> {
    return await db
      .selectFrom("end_user_identities")
      .selectAll()
      .where("project_id", "=", project_id)
      .where("provider", "=", provider)
      .where("subject_hash", "=", subject_hash)
      .executeTakeFirst();
  },

  async listOf(db: Db, userId: string): Promise<IdentityRow[]> {
    return await db
      .selectFrom("end_user_identities")
      .selectAll()
      .where("user_id", "=", userId)
      .orderBy("created_at")
      .limit(100)
      .execute();
  },

  /** False when the user had none. */
  async remove(db: Db, userId: string, provider: string): Promise<boolean> {
    const rows = await db
      .deleteFrom("end_user_identities")
      .where("user_id", "=", userId)
      .where("provider", "=", provider)
      .returning("user_id")
      .execute();
    return rows.length > 0;
  },
};
