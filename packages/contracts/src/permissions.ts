import { z } from "zod";

/** What a permission is about: the organisation itself, or each of its projects. */
export type PermissionScope = "organisation" | "project";

interface PermissionFacts {
  readonly scope: PermissionScope;
  /** One line, as a thing that somebody may do. */
  readonly allows: string;
}

function definePermissions<Name extends string>(
  table: Record<Name, PermissionFacts>,
): Readonly<Record<Name, PermissionFacts>> {
  return table;
}

/** Everything that a role can be allowed. Names are stable: they are stored in custom roles. */
export const PERMISSIONS = definePermissions({
  "organisation.read": { scope: "organisation", allows: "see the organisation, its roles and one's own membership" },
  "organisation.write": { scope: "organisation", allows: "rename the organisation" },
  "organisation.delete": { scope: "organisation", allows: "delete the organisation once it has no projects" },
  "ownership.transfer": { scope: "organisation", allows: "make another member an owner" },
  "members.read": { scope: "organisation", allows: "see who the members are and who is invited" },
  "members.write": { scope: "organisation", allows: "invite, remove and change members, below one's own rights" },
  "roles.write": { scope: "organisation", allows: "make, change and remove custom roles, below one's own rights" },
  "sso.write": { scope: "organisation", allows: "see and change single sign-on" },
  "billing.read": { scope: "organisation", allows: "see plans, usage and invoices" },
  "billing.write": { scope: "organisation", allows: "change plans and ways of payment" },
  "audit.read": { scope: "organisation", allows: "read and export the audit log" },
  "project.create": { scope: "organisation", allows: "create projects, and move projects here" },
  "project.read": { scope: "project", allows: "see that a project exists, its name and addresses" },
  "project.write": { scope: "project", allows: "rename a project" },
  "project.delete": { scope: "project", allows: "delete a project, or move it to another organisation" },
  "keys.read": { scope: "project", allows: "list a project's keys, never their secrets" },
  "keys.write": { scope: "project", allows: "create, rotate and revoke a project's keys" },
  "functions.read": { scope: "project", allows: "see functions, versions, crons and their settings" },
  "functions.deploy": { scope: "project", allows: "deploy, roll back, share out and remove functions" },
  "functions.invoke": { scope: "project", allows: "call functions that are not public, and run crons" },
  "data.read": { scope: "project", allows: "read databases, collections, caches, queues and files" },
  "data.write": { scope: "project", allows: "change what databases, collections, caches, queues and buckets hold" },
  "schema.write": { scope: "project", allows: "change tables, collections and buckets themselves" },
  "secrets.read": { scope: "project", allows: "list the names of secrets, never their values" },
  "secrets.write": { scope: "project", allows: "set and remove secrets" },
  "users.read": { scope: "project", allows: "see the project's end users" },
  "users.write": { scope: "project", allows: "create, change, block and remove end users" },
  "logs.read": { scope: "project", allows: "read logs" },
  "settings.read": {
    scope: "project",
    allows: "see settings of log-in, realtime, queues, domains, the firewall and the network",
  },
  "settings.write": {
    scope: "project",
    allows: "change settings of log-in, realtime, queues, the firewall and the network",
  },
  "domains.write": { scope: "project", allows: "add, prove and remove domains" },
});

export type Permission = keyof typeof PERMISSIONS;

export const ALL_PERMISSIONS = Object.keys(PERMISSIONS) as readonly Permission[];

/** Never part of another role than the owner's. */
export const OWNER_PERMISSIONS: readonly Permission[] = ["organisation.delete", "ownership.transfer"];

export const permissionSchema = z.enum(ALL_PERMISSIONS as [Permission, ...Permission[]]);
