import {
  createOrganisationRequestSchema,
  listOrganisationsResponseSchema,
  type Organisation,
  organisationParamsSchema,
  organisationResponseSchema,
  pageQuerySchema,
  renameOrganisationRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { pictureAddress } from "../../accounts/pictures/picture-address.ts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { OrganisationRecord } from "../organisation.ts";
import { type OrganisationAccess, ROLE_PERMISSIONS } from "../permissions.ts";
import type { OrganisationService } from "../service.ts";

export const ORGANISATION_TAG = "Organisations";
export const ORGANISATION_PATH = "/api/v1/organisations/:organisation";

/** Which organisations there are, for their members. */
export function organisationRoutes(organisations: OrganisationService): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/organisations",
      summary: "List the organisations that the account belongs to",
      tag: ORGANISATION_TAG,
      auth: "account",
      query: pageQuerySchema,
      response: { status: 200, schema: listOrganisationsResponseSchema },
      handler: async ({ principal, query }) => {
        const page = await organisations.list(principal, query);
        const shown = page.items.map((one) => showOrganisation(one, principal.access.get(one.id)));
        return { organisations: shown, nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/organisations",
      summary: "Create an organisation",
      description: "Whoever creates it owns it.",
      tag: ORGANISATION_TAG,
      auth: "account",
      body: createOrganisationRequestSchema,
      response: { status: 201, schema: organisationResponseSchema },
      errors: ["CONFLICT"],
      idempotent: true,
      handler: async ({ principal, body }) => {
        const created = await organisations.create(principal.accountId, body.name);
        const access = { role: "owner", permissions: ROLE_PERMISSIONS.owner, projects: new Map() };
        return { organisation: showOrganisation(created, access) };
      },
    }),
    defineRoute({
      method: "get",
      path: ORGANISATION_PATH,
      summary: "Get an organisation, with what the caller may do there",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "organisation.read",
      params: organisationParamsSchema,
      response: { status: 200, schema: organisationResponseSchema },
      handler: ({ principal, organisation }) => ({
        organisation: showOrganisation(organisation, principal.access.get(organisation.id)),
      }),
    }),
    defineRoute({
      method: "patch",
      path: ORGANISATION_PATH,
      summary: "Rename an organisation",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "organisation.write",
      params: organisationParamsSchema,
      body: renameOrganisationRequestSchema,
      response: { status: 200, schema: organisationResponseSchema },
      handler: async ({ principal, organisation, body }) => {
        const renamed = await organisations.rename(principal.accountId, organisation, body.name);
        return { organisation: showOrganisation(renamed, principal.access.get(organisation.id)) };
      },
    }),
    defineRoute({
      method: "delete",
      path: ORGANISATION_PATH,
      summary: "Delete an organisation that has no projects",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "organisation.delete",
      params: organisationParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, organisation }) => {
        await organisations.delete(principal.accountId, organisation);
        return { success: true as const };
      },
    }),
  ];
}

function showOrganisation(organisation: OrganisationRecord, access: OrganisationAccess | undefined): Organisation {
  return {
    id: organisation.id,
    name: organisation.name,
    logoUrl: pictureAddress(organisation.pictureId),
    isPersonal: organisation.personalAccountId !== null,
    role: access?.role ?? "",
    permissions: [...(access?.permissions ?? [])],
    createdAt: toIso(organisation.createdAtMs),
    updatedAt: toIso(organisation.updatedAtMs),
  };
}
