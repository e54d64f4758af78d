import type { Permission } from "@aerostack/contracts";
import type { Kysely, Selectable } from "kysely";
import { permissionsOfRole, readPermissions } from "./access.ts";
import { isBuiltInRole } from "./permissions.ts";
import type { TeamTables } from "./tables.ts";

type Db = Kysely<TeamTables>;
export type RoleRow = Selectable<TeamTables["organisation_roles"]>;

export const roleStore = {
  async insert(trx: Db, row: RoleRow): Promise<void> {
    await trx.insertInto("organisation_roles").values(row).execute();
  },

  async list(db: Db, organisationId: string): Promise<RoleRow[]> {
    return await db
      .selectFrom("organisation_roles")
      .selectAll()
      .where("organisation_id", "=", organisationId)
      .orderBy("name")
      .execute();
  },

  async find(db: Db, organisationId: string, id: string): Promise<RoleRow | undefined> {
    return await db
      .selectFrom("organisation_roles")
      .selectAll()
      .where("organisation_id", "=", organisationId)
      .where("id", "=", id)
      .executeTakeFirst();
  },

  /** What a role of the organisation allows; undefined when it has no such role. */
  async permissionsOf(db: Db, organisationId: string, role: string): Promise<ReadonlySet<Permission> | undefined> {
    if (isBuiltInRole(role)) return permissionsOfRole(role, new Map());
    const row = await roleStore.find(db, organisationId, role);
    return row === undefined ? undefined : readPermissions(row.permissions);
  },

  async update(trx: Db, id: string, changes: Partial<Pick<RoleRow, "name" | "permissions" | "updated_at">>) {
    await trx.updateTable("organisation_roles").set(changes).where("id", "=", id).execute();
  },

  async remove(trx: Db, id: string): Promise<void> {
    await trx.deleteFrom("organisation_roles").where("id", "=", id).execute();
  },

  /** Whether a member, a project or an invitation still names the role. */
  async isUsed(db: Db, id: string): Promise<boolean> {
    const member = db.selectFrom("organisation_members").select("role").where("role", "=", id).limit(1);
    const access = db.selectFrom("project_access").select("role").where("role", "=", id).limit(1);
    const invited = db
      .selectFrom("organisation_invitations")
      .select("role")
      .where("role", "=", id)
      .where("status", "=", "pending")
      .limit(1);
    for (const query of [member, access, invited]) {
      if ((await query.executeTakeFirst()) !== undefined) return true;
    }
    return false;
  },
};
