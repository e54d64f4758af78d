import type { Kysely, Selectable, Updateable } from "kysely";
import type { EndUserTables } from "../tables.ts";

export type EndUserRow = Selectable<EndUserTables["end_users"]>;
export type EndUserChange = Updateable<EndUserTables["end_users"]>;
type Db = Kysely<EndUserTables>;

export const endUserStore = {
  /** False when the project has a user with this address or number. */
  async insert(db: Db, row: EndUserRow): Promise<boolean> {
    const inserted = await db
      .insertInto("end_users")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst();
    return inserted !== undefined;
  },

  async findById(db: Db, projectId: string, id: string): Promise<EndUserRow | undefined> {
    return await db
      .selectFrom("end_users")
      .selectAll()
      .where("id", "=", id)
      .where("project_id", "=", projectId)
      .executeTakeFirst();
  },

  async findByEmail(db: Db, projectId: string, email: string): Promise<EndUserRow | undefined> {
    return await db
      .selectFrom("end_users")
      .selectAll()
      .where("project_id", "=", projectId)
      .where("email", "=", email)
      .executeTakeFirst();
  },

  async findByPhone(db: Db, projectId: string, phone: string): Promise<EndUserRow | undefined> {
    return await db
      .selectFrom("end_users")
      .selectAll()
      .where("project_id", "=", projectId)
      .where("phone", "=", phone)
      .executeTakeFirst();
  },

  /** The row as it is now; undefined when the user is gone. */
  async update(db: Db, projectId: string, id: string, change: EndUserChange): Promise<EndUserRow | undefined> {
    return await db
      .updateTable("end_users")
      .set(change)
      .where("id", "=", id)
      .where("project_id", "=", projectId)
      .returningAll()
      .executeTakeFirst();
  },

  /** False when there was none. */
  async remove(db: Db, projectId: string, id: string): Promise<boolean> {
    const row = await db
      .deleteFrom("end_users")
      .where("id", "=", id)
      .where("project_id", "=", projectId)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },
};
