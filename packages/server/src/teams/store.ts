import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { OrganisationRecord } from "./organisation.ts";
import type { TeamTables } from "./tables.ts";

type Db = Kysely<TeamTables>;
export type OrganisationRow = Selectable<TeamTables["organisations"]>;

export const organisationStore = {
  async insert(trx: Db, row: OrganisationRow): Promise<void> {
    await trx.insertInto("organisations").values(row).execute();
  },

  async find(db: Db, id: string): Promise<OrganisationRecord | undefined> {
    const row = await db.selectFrom("organisations").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : toOrganisation(row);
  },

  async list(db: Db, ids: readonly string[], { limit, cursor }: PageRequest): Promise<OrganisationRecord[]> {
    if (ids.length === 0) return [];
    let query = db
      .selectFrom("organisations")
      .selectAll()
      .where("id", "in", [...ids]);
    if (cursor !== undefined) query = query.where("id", ">", cursor);
    const rows = await query
      .orderBy("id")
      .limit(limit + 1)
      .execute();
    return rows.map(toOrganisation);
  },

  async listOwnerless(db: Db, { limit, cursor }: PageRequest): Promise<OrganisationRecord[]> {
    let query = db
      .selectFrom("organisations")
      .selectAll()
      .where("personal_account_id", "is", null)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom("organisation_members")
              .select("account_id")
              .whereRef("organisation_members.organisation_id", "=", "organisations.id")
              .where("role", "=", "owner"),
          ),
        ),
      );
    if (cursor !== undefined) query = query.where("id", ">", cursor);
    const rows = await query
      .orderBy("id")
      .limit(limit + 1)
      .execute();
    return rows.map(toOrganisation);
  },

  async rename(trx: Db, id: string, name: string, nowMs: number): Promise<void> {
    await trx.updateTable("organisations").set({ name, updated_at: nowMs }).where("id", "=", id).execute();
  },

  async remove(trx: Db, id: string): Promise<void> {
    await trx.deleteFrom("organisations").where("id", "=", id).execute();
  },

  /** Those that are being removed among them. */
  async hasLiveProjects(db: Db, id: string): Promise<boolean> {
    const row = await db
      .selectFrom("projects")
      .select("id")
      .where("organisation_id", "=", id)
      .where("deleted_at", "is", null)
      .limit(1)
      .execute();
    return row.length > 0;
  },

  /** Nobody sees it any more; its row stays. */
  async leaveWithoutMembers(trx: Db, id: string): Promise<void> {
    for (const table of ["organisation_invitations", "ownership_offers", "organisation_members"] as const) {
      await trx.deleteFrom(table).where("organisation_id", "=", id).execute();
    }
  },
};

export function toOrganisation(row: OrganisationRow): OrganisationRecord {
  return {
    id: row.id,
    name: row.name,
    personalAccountId: row.personal_account_id,
    pictureId: row.picture_id,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
