import type { Kysely, Selectable } from "kysely";
import type { OrganisationRecord } from "./organisation.ts";
import type { TeamTables } from "./tables.ts";

type Db = Kysely<TeamTables>;
export type OrganisationRow = Selectable<TeamTables["organisations"]>;

export const organisationStore = {
  async find(db: Db, id: string): Promise<OrganisationRecord | undefined> {
    const row = await db.selectFrom("organisations").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : toOrganisation(row);
  },
};

function toOrganisation(row: OrganisationRow): OrganisationRecord {
  return {
    id: row.id,
    name: row.name,
    personalAccountId: row.personal_account_id,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
