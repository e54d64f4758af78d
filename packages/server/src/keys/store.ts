import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { ProjectKeyTables } from "./tables.ts";

export type ProjectKeyRow = Selectable<ProjectKeyTables["project_keys"]>;
type Db = Kysely<ProjectKeyTables>;

export const projectKeyStore = {
  async insert(db: Db, row: ProjectKeyRow): Promise<void> {
    await db.insertInto("project_keys").values(row).execute();
  },

  async find(db: Db, projectId: string, id: string): Promise<ProjectKeyRow | undefined> {
    return await db
      .selectFrom("project_keys")
      .selectAll()
      .where("project_id", "=", projectId)
      .where("id", "=", id)
      .executeTakeFirst();
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

  async countActive(db: Db, projectId: string, nowMs: number): Promise<number> {
    const { count } = await db
      .selectFrom("project_keys")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("project_id", "=", projectId)
      .where("revoked_at", "is", null)
      .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", nowMs)]))
      .executeTakeFirstOrThrow();
    return count;
  },

  /** Undefined when the project has no such key. A key that is revoked already keeps its time. */
  async revoke(db: Db, projectId: string, id: string, nowMs: number): Promise<ProjectKeyRow | undefined> {
    return await db
      .updateTable("project_keys")
      .set((eb) => ({ revoked_at: eb.fn.coalesce("revoked_at", eb.val(nowMs)) }))
      .where("project_id", "=", projectId)
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirst();
  },

  /** False when it was replaced or revoked before. */
  async replace(db: Db, id: string, replacedBy: string, expiresAtMs: number): Promise<boolean> {
    const row = await db
      .updateTable("project_keys")
      .set({ replaced_by: replacedBy, expires_at: expiresAtMs })
      .where("id", "=", id)
      .where("replaced_by", "is", null)
      .where("revoked_at", "is", null)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  async markUsed(db: Db, ids: readonly string[], usedAtMs: number, ip: string | null): Promise<void> {
    await db
      .updateTable("project_keys")
      .set({ last_used_at: usedAtMs, last_used_ip: ip })
      .where("id", "in", ids)
      .execute();
  },
};
