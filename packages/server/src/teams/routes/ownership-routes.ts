import {
  type OwnershipOffer,
  organisationParamsSchema,
  ownershipOfferRequestSchema,
  ownershipOfferResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { OwnershipOfferRow, OwnershipService } from "../ownership.ts";
import { ORGANISATION_PATH, ORGANISATION_TAG } from "./organisation-routes.ts";

const OFFER_PATH = `${ORGANISATION_PATH}/ownership-offer`;

/** How an organisation changes hands. */
export function ownershipRoutes(ownership: OwnershipService): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: OFFER_PATH,
      summary: "Get the open offer of ownership",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "members.read",
      params: organisationParamsSchema,
      response: { status: 200, schema: ownershipOfferResponseSchema },
      handler: async ({ organisation }) => {
        const offer = await ownership.find(organisation.id);
        return { offer: offer === undefined ? null : showOffer(offer) };
      },
    }),
    defineRoute({
      method: "post",
      path: OFFER_PATH,
      summary: "Offer ownership to a member",
      description: "Nothing changes before the member accepts, within seven days.",
      tag: ORGANISATION_TAG,
      auth: "account",
      freshProof: true,
      permission: "ownership.transfer",
      params: organisationParamsSchema,
      body: ownershipOfferRequestSchema,
      response: { status: 201, schema: ownershipOfferResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "CONFLICT"],
      handler: async ({ principal, organisation, body }) => {
        const input = { memberId: body.member, keepsOwnership: body.keepOwnership };
        return { offer: showOffer(await ownership.offer(principal.accountId, organisation, input)) };
      },
    }),
    defineRoute({
      method: "post",
      path: `${OFFER_PATH}/accept`,
      summary: "Accept ownership",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "organisation.read",
      params: organisationParamsSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ principal, organisation }) => {
        await ownership.accept(principal.accountId, organisation.id);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "delete",
      path: OFFER_PATH,
      summary: "Decline ownership, or take the offer back",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "organisation.read",
      params: organisationParamsSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ principal, organisation }) => {
        await ownership.end(principal.accountId, organisation.id);
        return { success: true as const };
      },
    }),
  ];
}

function showOffer(row: OwnershipOfferRow): OwnershipOffer {
  return {
    fromAccountId: row.from_account_id,
    toAccountId: row.to_account_id,
    keepsOwnership: row.keeps_ownership === 1,
    createdAt: toIso(row.created_at),
    expiresAt: toIso(row.expires_at),
  };
}
