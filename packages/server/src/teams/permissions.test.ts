import { ALL_PERMISSIONS, OWNER_PERMISSIONS, type Permission } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import type { Principal } from "../keys/principal.ts";
import { BUILT_IN_ROLES, can, canSee, permissionMissing, ROLE_PERMISSIONS } from "./permissions.ts";

/** The matrix once more, as people read it: a change of the data has to be meant twice. O A D B V, a dot for no. */
const MATRIX: Readonly<Record<Permission, string>> = {
  "organisation.read": "OADBV",
  "organisation.write": "OA...",
  "organisation.delete": "O....",
  "ownership.transfer": "O....",
  "members.read": "OADBV",
  "members.write": "OA...",
  "roles.write": "OA...",
  "sso.write": "OA...",
  "billing.read": "OA.B.",
  "billing.write": "OA.B.",
  "audit.read": "OA...",
  "project.create": "OAD..",
  "project.read": "OADBV",
  "project.write": "OAD..",
  "project.delete": "OA...",
  "keys.read": "OAD..",
  "keys.write": "OAD..",
  "functions.read": "OAD.V",
  "functions.deploy": "OAD..",
  "functions.invoke": "OAD..",
  "data.read": "OAD.V",
  "data.write": "OAD..",
  "schema.write": "OAD..",
  "secrets.read": "OAD..",
  "secrets.write": "OAD..",
  "users.read": "OAD.V",
  "users.write": "OAD..",
  "logs.read": "OAD.V",
  "settings.read": "OAD.V",
  "settings.write": "OAD..",
  "domains.write": "OAD..",
};
const PROJECT = { id: "prj_1", organisationId: "org_1" };

function member(permissions: ReadonlySet<Permission>, here?: ReadonlySet<Permission>): Principal {
  const projects = here === undefined ? [] : ([[PROJECT.id, here]] as const);
  const access = new Map([["org_1", { role: "test", permissions, projects: new Map(projects) }]]);
  return { kind: "account", accountId: "usr_1", isAdmin: false, via: "key", credentialId: "key_1", access };
}

describe("the permission matrix", () => {
  const cells = BUILT_IN_ROLES.flatMap((role, column) =>
    ALL_PERMISSIONS.map((permission) => ({ role, permission, expected: MATRIX[permission][column] !== "." })),
  );

  it.each(cells)("$role · $permission: $expected", ({ role, permission, expected }) => {
    expect(ROLE_PERMISSIONS[role].has(permission)).toBe(expected);
    expect(can(member(ROLE_PERMISSIONS[role]), permission, PROJECT)).toBe(expected);
  });

  it("keeps to owners what ends the organisation or gives it away", () => {
    for (const permission of OWNER_PERMISSIONS) {
      expect(BUILT_IN_ROLES.filter((role) => ROLE_PERMISSIONS[role].has(permission))).toEqual(["owner"]);
    }
  });
});

describe("what an account may do with a project", () => {
  const { viewer, developer } = ROLE_PERMISSIONS;

  it("is what the project says of the member, wider or narrower than the role", () => {
    expect(can(member(viewer, developer), "data.write", PROJECT)).toBe(true);
    expect(can(member(developer, viewer), "data.write", PROJECT)).toBe(false);
    expect(can(member(developer, viewer), "data.write", { ...PROJECT, id: "prj_2" })).toBe(true);
  });

  it("is nothing where it may not see the project, whatever else the role has", () => {
    const blind = new Set<Permission>(["data.read", "data.write"]);
    expect(canSee(member(blind), PROJECT)).toBe(false);
    expect(can(member(blind), "data.read", PROJECT)).toBe(false);
    expect(canSee(member(developer, new Set()), PROJECT)).toBe(false);
  });

  it("is nothing in an organisation that it is no member of", () => {
    expect(canSee(member(developer), { id: "prj_1", organisationId: "org_2" })).toBe(false);
    expect(canSee(member(viewer, developer), { id: "prj_1", organisationId: "org_2" })).toBe(false);
  });

  it("is told by the permission's name where it is missing", () => {
    expect(permissionMissing("keys.write")).toMatchObject({
      code: "FORBIDDEN",
      status: 403,
      message: "This needs the permission 'keys.write': to create, rotate and revoke a project's keys.",
      details: { permission: "keys.write" },
    });
  });
});
