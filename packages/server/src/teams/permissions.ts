import { AerostackError, ALL_PERMISSIONS, OWNER_PERMISSIONS, PERMISSIONS, type Permission } from "@aerostack/contracts";
import type { Principal } from "../keys/principal.ts";

/**
 * Who may do what, as data. Roles are sets of permissions; what an account may do in an organisation is its role there,
 * which a project may narrow or widen for itself. Nothing else in the platform knows a role by its name.
 */

export const BUILT_IN_ROLES = ["owner", "admin", "developer", "billing", "viewer"] as const;
export type BuiltInRole = (typeof BUILT_IN_ROLES)[number];

const VIEWER: readonly Permission[] = [
  "organisation.read",
  "members.read",
  "project.read",
  "functions.read",
  "data.read",
  "users.read",
  "logs.read",
  "settings.read",
];
const DEVELOPER: readonly Permission[] = [
  ...VIEWER,
  "project.create",
  "project.write",
  "keys.read",
  "keys.write",
  "functions.deploy",
  "functions.invoke",
  "data.write",
  "schema.write",
  "secrets.read",
  "secrets.write",
  "users.write",
  "settings.write",
  "domains.write",
];
const BILLING: readonly Permission[] = [
  "organisation.read",
  "members.read",
  "project.read",
  "billing.read",
  "billing.write",
];
const ADMIN: readonly Permission[] = ALL_PERMISSIONS.filter((permission) => !OWNER_PERMISSIONS.includes(permission));

/** The permission matrix. */
export const ROLE_PERMISSIONS: Readonly<Record<BuiltInRole, ReadonlySet<Permission>>> = {
  owner: new Set(ALL_PERMISSIONS),
  admin: new Set(ADMIN),
  developer: new Set(DEVELOPER),
  billing: new Set(BILLING),
  viewer: new Set(VIEWER),
};

export function isBuiltInRole(role: string): role is BuiltInRole {
  return (BUILT_IN_ROLES as readonly string[]).includes(role);
}

/** What an account may do in one organisation. */
export interface OrganisationAccess {
  /** A built-in role's name or a custom role's id. */
  readonly role: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Projects for which the role is another, by id; an empty set hides the project. */
  readonly projects: ReadonlyMap<string, ReadonlySet<Permission>>;
}

/** By organisation id; an organisation that is not in it does not exist for the account. */
export type AccountAccess = ReadonlyMap<string, OrganisationAccess>;

export interface ProjectPlace {
  readonly id: string;
  readonly organisationId: string;
}

/** What the account may do with the project: nothing for one that it may not see. */
function permissionsFor(access: AccountAccess, project: ProjectPlace): ReadonlySet<Permission> | undefined {
  const organisation = access.get(project.organisationId);
  const permissions = organisation?.projects.get(project.id) ?? organisation?.permissions;
  return permissions?.has("project.read") === true ? permissions : undefined;
}

/**
 * Whether the principal may do that with the project: an account by its role, a key or function of the project as far as
 * its own kind goes, which the place that takes it looks at.
 */
export function can(principal: Principal, permission: Permission, project: ProjectPlace): boolean {
  if (principal.kind === "project") return principal.projectId === project.id;
  return permissionsFor(principal.access, project)?.has(permission) === true;
}

/** Whether the principal may know that the project exists. */
export function canSee(principal: Principal, project: ProjectPlace): boolean {
  return can(principal, "project.read", project);
}

/** What a caller is told who may see the thing, but not do that with it. */
export function permissionMissing(permission: Permission): AerostackError {
  return new AerostackError("FORBIDDEN", {
    message: `This needs the permission '${permission}': to ${PERMISSIONS[permission].allows}.`,
    fix: "Ask an owner or admin of the organisation for a role that has it.",
    details: { permission },
  });
}
