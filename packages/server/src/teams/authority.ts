import { AerostackError, type Permission } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import { readAccess } from "./access.ts";
import { organisationNotFound } from "./organisation.ts";
import { permissionMissing } from "./permissions.ts";
import { roleStore } from "./role-store.ts";
import type { TeamTables } from "./tables.ts";

type Db = Kysely<TeamTables>;
type Permissions = ReadonlySet<Permission>;

/**
 * What an account may do in an organisation now, read in the transaction that relies on it: whoever lost the right while
 * the request ran changes nothing any more.
 *
 * @throws NOT_FOUND · FORBIDDEN
 */
export async function requireAuthority(
  trx: Db,
  organisationId: string,
  accountId: string,
  permission: Permission,
): Promise<Permissions> {
  const access = (await readAccess(trx, accountId)).get(organisationId);
  if (access === undefined) throw organisationNotFound();
  if (!access.permissions.has(permission)) throw permissionMissing(permission);
  return access.permissions;
}

/**
 * Nobody gives rights that they do not have, nor takes rights from somebody who has more.
 *
 * @throws FORBIDDEN, naming a permission that the one who acts lacks
 */
export function requireNoMoreThan(own: Permissions, others: Permissions): void {
  const missing = [...others].find((permission) => !own.has(permission));
  if (missing === undefined) return;
  throw new AerostackError("FORBIDDEN", {
    message: `The permission '${missing}' belongs to that role and not to yours.`,
    fix: "Ask somebody whose role has at least the same rights, such as an owner.",
    details: { permission: missing },
  });
}

/** What a role allows that somebody is to get. @throws VALIDATION_ERROR when the organisation has no such role */
export async function requireRole(db: Db, organisationId: string, role: string): Promise<Permissions> {
  const permissions = await roleStore.permissionsOf(db, organisationId, role);
  if (permissions !== undefined) return permissions;
  throw new AerostackError("VALIDATION_ERROR", {
    message: `The organisation has no role '${role}'.`,
    details: { fieldErrors: { role: ["is no role of the organisation"] } },
  });
}

/** Owners are made by offer and acceptance alone. */
export function refuseOwnerRole(role: string): void {
  if (role !== "owner") return;
  throw new AerostackError("VALIDATION_ERROR", {
    message: "Nobody becomes an owner without agreeing to it.",
    fix: "Make them a member, then offer ownership: POST /api/v1/organisations/<organisation>/ownership-offer.",
    details: { fieldErrors: { role: ["cannot be owner"] } },
  });
}
