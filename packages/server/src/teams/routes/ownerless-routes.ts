import {
  appointOwnerRequestSchema,
  listOwnerlessOrganisationsResponseSchema,
  ownerlessOrganisationParamsSchema,
  pageQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { OwnerlessOrganisations } from "../ownerless.ts";
import { ORGANISATION_TAG } from "./organisation-routes.ts";

const PATH = "/api/v1/admin/organisations/ownerless";

/** Organisations that wait for an operator. */
export function ownerlessRoutes(ownerless: OwnerlessOrganisations): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: PATH,
      summary: "List organisations whose last owner's account has ended",
      tag: ORGANISATION_TAG,
      auth: "admin",
      query: pageQuerySchema,
      response: { status: 200, schema: listOwnerlessOrganisationsResponseSchema },
      handler: async ({ query }) => {
        const { items, nextCursor } = await ownerless.list(query);
        const organisations = items.map(({ id, name, createdAtMs }) => ({ id, name, createdAt: toIso(createdAtMs) }));
        return { organisations, nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: `${PATH}/:ownerless/owner`,
      summary: "Appoint a member the owner of an organisation that has none",
      tag: ORGANISATION_TAG,
      auth: "admin",
      params: ownerlessOrganisationParamsSchema,
      body: appointOwnerRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ params, body }) => {
        await ownerless.appoint(params.ownerless, body.member);
        return { success: true as const };
      },
    }),
  ];
}
