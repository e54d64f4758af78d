import {
  createOrganisationRoleRequestSchema,
  listOrganisationRolesResponseSchema,
  type OrganisationRole,
  organisationParamsSchema,
  organisationRoleParamsSchema,
  organisationRoleResponseSchema,
  successSchema,
  updateOrganisationRoleRequestSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { readPermissions } from "../access.ts";
import { BUILT_IN_ROLES, ROLE_PERMISSIONS } from "../permissions.ts";
import type { RoleRow } from "../role-store.ts";
import type { RoleService } from "../roles.ts";
import { ORGANISATION_PATH, ORGANISATION_TAG } from "./organisation-routes.ts";

const ROLES_PATH = `${ORGANISATION_PATH}/roles`;

/** What each role allows, and roles of the organisation's own. */
export function roleRoutes(roles: RoleService): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: ROLES_PATH,
      summary: "List roles with what they allow",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "organisation.read",
      params: organisationParamsSchema,
      response: { status: 200, schema: listOrganisationRolesResponseSchema },
      handler: async ({ organisation }) => ({
        roles: [...BUILT_IN, ...(await roles.list(organisation.id)).map(showRole)],
        nextCursor: null,
      }),
    }),
    defineRoute({
      method: "post",
      path: ROLES_PATH,
      summary: "Create a role",
      description: "Of permissions that the caller has.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "roles.write",
      params: organisationParamsSchema,
      body: createOrganisationRoleRequestSchema,
      response: { status: 201, schema: organisationRoleResponseSchema },
      errors: ["CONFLICT"],
      idempotent: true,
      handler: async ({ principal, organisation, body }) => ({
        role: showRole(await roles.create(principal.accountId, organisation.id, body)),
      }),
    }),
    defineRoute({
      method: "patch",
      path: `${ROLES_PATH}/:role`,
      summary: "Change a role",
      description: "Within a second it counts for everybody who has the role.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "roles.write",
      params: organisationRoleParamsSchema,
      body: updateOrganisationRoleRequestSchema,
      response: { status: 200, schema: organisationRoleResponseSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, organisation, params, body: { name, permissions } }) => {
        const changes = {
          ...(name === undefined ? {} : { name }),
          ...(permissions === undefined ? {} : { permissions }),
        };
        return { role: showRole(await roles.update(principal.accountId, organisation.id, params.role, changes)) };
      },
    }),
    defineRoute({
      method: "delete",
      path: `${ROLES_PATH}/:role`,
      summary: "Remove a role that nobody has",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "roles.write",
      params: organisationRoleParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, organisation, params }) => {
        await roles.remove(principal.accountId, organisation.id, params.role);
        return { success: true as const };
      },
    }),
  ];
}

const BUILT_IN: readonly OrganisationRole[] = BUILT_IN_ROLES.map((name) => ({
  id: name,
  name,
  isBuiltIn: true,
  permissions: [...ROLE_PERMISSIONS[name]],
}));

function showRole({ id, name, permissions }: RoleRow): OrganisationRole {
  return { id, name, isBuiltIn: false, permissions: [...readPermissions(permissions)] };
}
