import { ALL_PERMISSIONS, type Permission } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import type { Sql } from "../kernel/sql/index.ts";
import type { AccountIdentity, Principal, ProjectPrincipal, ResolvedCredential } from "../keys/principal.ts";
import type { CredentialFinder } from "../keys/principal-resolver.ts";
import { type AccountAccess, isBuiltInRole, type OrganisationAccess, ROLE_PERMISSIONS } from "./permissions.ts";
import type { SignOnTables } from "./single-sign-on/tables.ts";
import type { TeamTables } from "./tables.ts";

/** In place of a role: the project does not exist for the member. */
export const NO_ACCESS = "none";
const NOTHING: ReadonlySet<Permission> = new Set();
const KNOWN: ReadonlySet<string> = new Set(ALL_PERMISSIONS);

/** The permissions that a custom role keeps; one that this version does not know counts for nothing. */
export function readPermissions(stored: string): ReadonlySet<Permission> {
  const list = JSON.parse(stored) as readonly string[];
  return new Set(list.filter((name): name is Permission => KNOWN.has(name)));
}

/** What a role allows; nothing for `none` and for a role that is gone. */
export function permissionsOfRole(role: string, custom: ReadonlyMap<string, string>): ReadonlySet<Permission> {
  if (isBuiltInRole(role)) return ROLE_PERMISSIONS[role];
  const stored = custom.get(role);
  return stored === undefined ? NOTHING : readPermissions(stored);
}

/** What an account may do in each of its organisations, as the database says it now. */
export async function readAccess(db: Kysely<TeamTables>, accountId: string): Promise<AccountAccess> {
  const members = await db
    .selectFrom("organisation_members")
    .select(["organisation_id", "role"])
    .where("account_id", "=", accountId)
    .execute();
  if (members.length === 0) return new Map();
  const overrides = await db
    .selectFrom("project_access")
    .innerJoin("projects as project", (join) => join.onRef("project.id", "=", "project_access.project_id"))
    .select(["project_access.project_id", "project_access.role", "project.organisation_id"])
    .where("project_access.account_id", "=", accountId)
    .execute();
  const roles = [...members, ...overrides].map(({ role }) => role).filter((role) => role.startsWith("rol_"));
  const custom = new Map<string, string>();
  if (roles.length > 0) {
    const rows = await db
      .selectFrom("organisation_roles")
      .select(["id", "permissions"])
      .where("id", "in", [...new Set(roles)])
      .execute();
    for (const { id, permissions } of rows) custom.set(id, permissions);
  }
  return new Map(
    members.map(({ organisation_id, role }): [string, OrganisationAccess] => {
      const own = overrides.filter((one) => one.organisation_id === organisation_id);
      const projects = new Map(own.map((one) => [one.project_id, permissionsOfRole(one.role, custom)]));
      return [organisation_id, { role, permissions: permissionsOfRole(role, custom), projects }];
    }),
  );
}

/** Adds to an account that was found what it may do, and what makes that untrue. */
export function withAccess(
  find: CredentialFinder,
  accessOf: (identity: AccountIdentity) => Promise<AccountAccess>,
): CredentialFinder<Principal> {
  return async (credential) => {
    const found = await find(credential);
    if (found === null) return null;
    const { principal } = found;
    if (principal.kind === "project") return found as ResolvedCredential<ProjectPrincipal>;
    const access = await accessOf(principal);
    const subjects = [...access.keys()].map((id) => `organisation:${id}`);
    return { ...found, principal: { ...principal, access }, subjects: [...found.subjects, ...subjects] };
  };
}

export function createAccessReader(untyped: Sql<unknown>) {
  const sql = untyped.withTables<SignOnTables>();
  return async (identity: AccountIdentity): Promise<AccountAccess> => {
    const access = await readAccess(sql.db, identity.accountId);
    return identity.via === "session" ? await withoutClosed(sql.db, access, identity.credentialId) : access;
  };
}

/**
 * Without the organisations that a session does not get at because it was not opened through their single sign-on. Owners
 * get at theirs in any session: what is wrong at the provider keeps no owner out.
 */
async function withoutClosed(db: Kysely<SignOnTables>, access: AccountAccess, sessionId: string) {
  const ids = [...access].filter(([, { role }]) => role !== "owner").map(([id]) => id);
  if (ids.length === 0) return access;
  const closed = await db
    .selectFrom("organisation_sign_on")
    .select("organisation_id")
    .where("organisation_id", "in", ids)
    .where("is_enabled", "=", 1)
    .where("is_required", "=", 1)
    .execute();
  if (closed.length === 0) return access;
  const session = await db
    .selectFrom("sessions")
    .select("sign_on_organisation_id")
    .where("id", "=", sessionId)
    .executeTakeFirst();
  const left = new Map(access);
  for (const { organisation_id: id } of closed) if (session?.sign_on_organisation_id !== id) left.delete(id);
  return left;
}
