import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { ProjectTables } from "./tables.ts";

export type ProjectRow = Selectable<ProjectTables["projects"]>;
type Db = Kysely<ProjectTables>;

export const projectStore = {
  /** False when the slug is taken. */
  async insert(db: Db, row: ProjectRow): Promise<boolean> {
    const inserted = await db
      .insertInto("projects")
      .values(row)
      .onConflict((conflict) => conflict.column("slug").doNothing())
      .returning("id")
      .executeTakeFirst();
    return inserted !== undefined;
  },

  /** By id or slug; a project that is being deleted is not found. */
  async find(db: Db, idOrSlug: string): Promise<ProjectRow | undefined> {
    return await db
      .selectFrom("projects")
      .selectAll()
      .where((eb) => eb.or([eb("id", "=", idOrSlug), eb("slug", "=", idOrSlug)]))
      .where("deleted_at", "is", null)
      .executeTakeFirst();
  },

  async findByName(db: Db, ownerId: string, name: string): Promise<ProjectRow | undefined> {
    return await db
      .selectFrom("projects")
      .selectAll()
      .where("owner_id", "=", ownerId)
      .where("name", "=", name)
      .where("deleted_at", "is", null)
      .orderBy("id")
      .executeTakeFirst();
  },

  async list(db: Db, ownerId: string, { limit, cursor }: PageRequest): Promise<ProjectRow[]> {
    let query = db.selectFrom("projects").selectAll().where("owner_id", "=", ownerId).where("deleted_at", "is", null);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async rename(db: Db, id: string, name: string, nowMs: number): Promise<void> {
    await db.updateTable("projects").set({ name, updated_at: nowMs }).where("id", "=", id).execute();
  },

  async markDeleted(db: Db, id: string, nowMs: number): Promise<void> {
    await db.updateTable("projects").set({ deleted_at: nowMs }).where("id", "=", id).execute();
  },

  async listDeleted(db: Db): Promise<ProjectRow[]> {
    return await db.selectFrom("projects").selectAll().where("deleted_at", "is not", null).orderBy("id").execute();
  },

  async remove(db: Db, id: string): Promise<void> {
    await db.deleteFrom("projects").where("id", "=", id).execute();
  },
};
