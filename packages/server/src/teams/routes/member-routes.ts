import {
  changeMemberRequestSchema,
  listOrganisationMembersResponseSchema,
  type OrganisationMember,
  organisationMemberParamsSchema,
  organisationMemberResponseSchema,
  organisationParamsSchema,
  pageQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { MemberRecord } from "../member-store.ts";
import type { MemberService } from "../members.ts";
import { ORGANISATION_PATH, ORGANISATION_TAG } from "./organisation-routes.ts";

const MEMBER_PATH = `${ORGANISATION_PATH}/members/:member`;

/** Who belongs to an organisation. */
export function memberRoutes(members: MemberService): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: `${ORGANISATION_PATH}/members`,
      summary: "List an organisation's members",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "members.read",
      params: organisationParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listOrganisationMembersResponseSchema },
      handler: async ({ organisation, query }) => {
        const page = await members.list(organisation.id, query);
        return { members: page.items.map(showMember), nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "patch",
      path: MEMBER_PATH,
      summary: "Give a member another role",
      description:
        "Nobody gives or takes rights that they do not have. Within a second the member can do what the new role says.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "members.write",
      params: organisationMemberParamsSchema,
      body: changeMemberRequestSchema,
      response: { status: 200, schema: organisationMemberResponseSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, organisation, params, body }) => ({
        member: showMember(await members.changeRole(principal.accountId, organisation, params.member, body.role)),
      }),
    }),
    defineRoute({
      method: "delete",
      path: MEMBER_PATH,
      summary: "Remove a member",
      description:
        "Within a second neither the member nor their keys can do anything in the organisation. Keys of projects that they may have seen stay valid: rotate them.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "members.write",
      params: organisationMemberParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, organisation, params }) => {
        await members.remove(principal.accountId, organisation, params.member);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: `${ORGANISATION_PATH}/leave`,
      summary: "Leave an organisation",
      description: "The last owner stays: offer ownership to somebody first.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "organisation.read",
      params: organisationParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, organisation }) => {
        await members.leave(principal.accountId, organisation);
        return { success: true as const };
      },
    }),
  ];
}

function showMember({ id, email, name, role, joinedAtMs }: MemberRecord): OrganisationMember {
  return { accountId: id, email, name, role, joinedAt: toIso(joinedAtMs) };
}
