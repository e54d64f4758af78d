import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { ProjectKeyTables } from "./tables.ts";

export type ProjectKeyRow = Selectable<ProjectKeyTables["project_keys"]>;
type Db = Kysely<ProjectKeyTables>;

export const projectKeyStore = {
  async insert(db: Db, row: ProjectKeyRow): Promise<void> {
    await db.insertInto("project_keys").values(row).execute();
  },

  async findByHash(db: Db, hash: string): Promise<ProjectKeyRow | undefined> {
    return await db.selectFrom("project_keys").selectAll().where("hash", "=", hash).executeTakeFirst();
  },

  async list(db: Db, projectId: string, { limit, cursor }: PageRequest): Promise<ProjectKeyRow[]> {
    let query = db.selectFrom("project_keys").selectAll().where("project_id", "=", projectId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async countActive(db: Db, projectId: string): Promise<number> {
    const { count } = await db
      .selectFrom("project_keys")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("project_id", "=", projectId)
      .where("revoked_at", "is", null)
      .executeTakeFirstOrThrow();
    return count;
  },

  /** False when the project has no such key. A key that is revoked already keeps its time. */
  async revoke(db: Db, projectId: string, id: string, nowMs: number): Promise<boolean> {
    const row = await db
      .updateTable("project_keys")
      .set((eb) => ({ revoked_at: eb.fn.coalesce("revoked_at", eb.val(nowMs)) }))
      .where("project_id", "=", projectId)
      .where("id", "=", id)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  async markUsed(db: Db, ids: readonly string[], usedAtMs: number): Promise<void> {
    await db.updateTable("project_keys").set({ last_used_at: usedAtMs }).where("id", "in", ids).execute();
  },
};
