import type { ExpressionBuilder, Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { ProjectTables } from "./tables.ts";

export type ProjectRow = Selectable<ProjectTables["projects"]>;
type Db = Kysely<ProjectTables>;

/** Which projects somebody may see: all of some organisations but a few, and a few besides. */
export interface VisibleProjects {
  readonly organisationIds: readonly string[];
  readonly hiddenIds: readonly string[];
  readonly extraIds: readonly string[];
}

function isVisible({ organisationIds, hiddenIds, extraIds }: VisibleProjects) {
  return (eb: ExpressionBuilder<ProjectTables, "projects">) => {
    // A list without members is none that SQL can write.
    const among = (column: "id" | "organisation_id", ids: readonly string[]) =>
      ids.length === 0 ? eb.lit(false) : eb(column, "in", [...ids]);
    return eb.or([
      eb.and([among("organisation_id", organisationIds), eb.not(among("id", hiddenIds))]),
      among("id", extraIds),
    ]);
  };
}

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

  /** By id or slug; a project that is being deleted, or suspended, is not found. */
  async find(db: Db, idOrSlug: string): Promise<ProjectRow | undefined> {
    return await db
      .selectFrom("projects")
      .selectAll()
      .where((eb) => eb.or([eb("id", "=", idOrSlug), eb("slug", "=", idOrSlug)]))
      .where("deleted_at", "is", null)
      .where("suspended_at", "is", null)
      .executeTakeFirst();
  },

  async findByName(db: Db, visible: VisibleProjects, name: string): Promise<ProjectRow | undefined> {
    return await db
      .selectFrom("projects")
      .selectAll()
      .where(isVisible(visible))
      .where("name", "=", name)
      .where("deleted_at", "is", null)
      .where("suspended_at", "is", null)
      .orderBy("id")
      .executeTakeFirst();
  },

  async list(db: Db, visible: VisibleProjects, { limit, cursor }: PageRequest): Promise<ProjectRow[]> {
    let query = db
      .selectFrom("projects")
      .selectAll()
      .where(isVisible(visible))
      .where("deleted_at", "is", null)
      .where("suspended_at", "is", null);
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

  /** Whatever state they are in. */
  async listIn(db: Db, organisationIds: readonly string[]): Promise<ProjectRow[]> {
    if (organisationIds.length === 0) return [];
    return await db
      .selectFrom("projects")
      .selectAll()
      .where("organisation_id", "in", [...organisationIds])
      .orderBy("id")
      .execute();
  },

  /** @param suspendedAtMs null: they answer again */
  async suspend(db: Db, organisationIds: readonly string[], suspendedAtMs: number | null): Promise<void> {
    if (organisationIds.length === 0) return;
    await db
      .updateTable("projects")
      .set({ suspended_at: suspendedAtMs })
      .where("organisation_id", "in", [...organisationIds])
      .execute();
  },

  async listDeleted(db: Db): Promise<ProjectRow[]> {
    return await db.selectFrom("projects").selectAll().where("deleted_at", "is not", null).orderBy("id").execute();
  },

  async remove(db: Db, id: string): Promise<void> {
    await db.deleteFrom("projects").where("id", "=", id).execute();
  },
};
