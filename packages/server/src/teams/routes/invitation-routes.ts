import {
  createInvitationRequestSchema,
  createInvitationResponseSchema,
  invitationDetailsSchema,
  invitationTokenRequestSchema,
  listInvitationsResponseSchema,
  type OrganisationInvitation,
  organisationInvitationParamsSchema,
  organisationParamsSchema,
  pageQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { InvitationRow } from "../invitation-store.ts";
import type { CreatedInvitation, InvitationService, Invitee } from "../invitations.ts";
import type { OrganisationRecord } from "../organisation.ts";
import { ORGANISATION_PATH, ORGANISATION_TAG } from "./organisation-routes.ts";

export interface InvitationRoutesOptions {
  readonly invitations: InvitationService;
  readonly clock: Clock;
  /** The account, where its address is known to be its own. @throws FORBIDDEN where it is not */
  readonly inviteeOf: (accountId: string) => Promise<Invitee>;
  /** Sends the invitation and returns the link that it holds. */
  readonly deliver: (
    inviterId: string,
    organisation: OrganisationRecord,
    created: CreatedInvitation,
  ) => Promise<string>;
}

const INVITATIONS_PATH = `${ORGANISATION_PATH}/invitations`;

/** Inviting people, and deciding about an invitation. */
export function invitationRoutes(options: InvitationRoutesOptions): readonly Route[] {
  const { invitations, clock, inviteeOf, deliver } = options;
  const show = (row: InvitationRow) => showInvitation(row, clock.now());
  return [
    defineRoute({
      method: "get",
      path: INVITATIONS_PATH,
      summary: "List invitations, the newest first",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "members.read",
      params: organisationParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listInvitationsResponseSchema },
      handler: async ({ organisation, query }) => {
        const page = await invitations.list(organisation.id, query);
        return { invitations: page.items.map(show), nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: INVITATIONS_PATH,
      summary: "Invite somebody",
      description: "By e-mail, for seven days, to be used once and by an account of that address only.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "members.write",
      params: organisationParamsSchema,
      body: createInvitationRequestSchema,
      response: { status: 201, schema: createInvitationResponseSchema },
      errors: ["CONFLICT"],
      idempotent: true,
      handler: async ({ principal, organisation, body }) => {
        const created = await invitations.create(principal.accountId, organisation, body);
        const link = await deliver(principal.accountId, organisation, created);
        return { invitation: show(created.row), link };
      },
    }),
    defineRoute({
      method: "delete",
      path: `${INVITATIONS_PATH}/:invitation`,
      summary: "Take an invitation back",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "members.write",
      params: organisationInvitationParamsSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ principal, organisation, params }) => {
        await invitations.revoke(principal.accountId, organisation.id, params.invitation);
        return { success: true as const };
      },
    }),
    ...(["show", "accept"] as const).map((action) =>
      defineRoute({
        method: "post",
        path: `/api/v1/invitations/${action}`,
        summary: action === "show" ? "Tell what an invitation is to" : "Accept an invitation",
        description: "With the account of the address that was invited.",
        tag: ORGANISATION_TAG,
        auth: "account",
        body: invitationTokenRequestSchema,
        response: { status: 200, schema: invitationDetailsSchema },
        readOnly: action === "show",
        errors: action === "show" ? ["NOT_FOUND"] : ["NOT_FOUND", "CONFLICT"],
        handler: async ({ principal, body }) =>
          await invitations[action](await inviteeOf(principal.accountId), body.token),
      }),
    ),
    defineRoute({
      method: "post",
      path: "/api/v1/invitations/decline",
      summary: "Decline an invitation",
      tag: ORGANISATION_TAG,
      auth: "account",
      body: invitationTokenRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, body }) => {
        await invitations.decline(await inviteeOf(principal.accountId), body.token);
        return { success: true as const };
      },
    }),
  ];
}

function showInvitation(row: InvitationRow, nowMs: number): OrganisationInvitation {
  const isOver = row.status === "pending" && row.expires_at <= nowMs;
  return {
    id: row.id,
    email: row.email,
    role: row.role,
    invitedBy: row.invited_by,
    status: isOver ? "expired" : (row.status as OrganisationInvitation["status"]),
    createdAt: toIso(row.created_at),
    expiresAt: toIso(row.expires_at),
  };
}
