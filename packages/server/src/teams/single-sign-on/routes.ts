import {
  organisationParamsSchema,
  setSignOnRequestSchema,
  signOnDomainParamsSchema,
  signOnDomainRequestSchema,
  signOnDomainResponseSchema,
  signOnResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso, toIsoOrNull } from "../../kernel/page.ts";
import { ORGANISATION_PATH, ORGANISATION_TAG } from "../routes/organisation-routes.ts";
import type { DomainProof, SignOnDomainRow, SignOnDomains } from "./sign-on-domains.ts";
import { rolesOf, type SignOnSettings } from "./sign-on-settings.ts";

export interface SignOnSettingsRoutesOptions {
  readonly settings: SignOnSettings;
  readonly domains: SignOnDomains;
  readonly proof: Pick<DomainProof, "recordOf">;
  readonly callbackUrl: (organisationId: string) => string;
}

const PATH = `${ORGANISATION_PATH}/sign-on`;

/** How an organisation's single sign-on is set. */
export function signOnSettingsRoutes(options: SignOnSettingsRoutesOptions): readonly Route[] {
  const { settings, domains, proof, callbackUrl } = options;
  const showDomain = ({ domain, token, verified_at }: SignOnDomainRow) => ({
    domain,
    verifiedAt: toIsoOrNull(verified_at),
    record: proof.recordOf(domain, token),
  });

  async function show(organisationId: string) {
    const row = await settings.find(organisationId);
    const signOn =
      row === undefined
        ? null
        : {
            enabled: row.is_enabled === 1,
            required: row.is_required === 1,
            issuer: row.issuer,
            clientId: row.client_id,
            groupsClaim: row.groups_claim,
            roles: [...rolesOf(row)],
            defaultRole: row.default_role,
            updatedAt: toIso(row.updated_at),
          };
    const claimed = await domains.list(organisationId);
    return { signOn, callbackUrl: callbackUrl(organisationId), domains: claimed.map(showDomain) };
  }

  return [
    defineRoute({
      method: "get",
      path: PATH,
      summary: "Get an organisation's single sign-on",
      description: "The client secret is never shown.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "sso.write",
      params: organisationParamsSchema,
      response: { status: 200, schema: signOnResponseSchema },
      handler: ({ organisation }) => show(organisation.id),
    }),
    defineRoute({
      method: "put",
      path: PATH,
      summary: "Set an organisation's single sign-on",
      description:
        "A provider of OpenID Connect, and which of its groups give which roles. Owners stay owners, and get in another way, too.",
      tag: ORGANISATION_TAG,
      auth: "account",
      freshProof: true,
      permission: "sso.write",
      params: organisationParamsSchema,
      body: setSignOnRequestSchema,
      response: { status: 200, schema: signOnResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "CONFLICT"],
      handler: async ({ principal, organisation, body }) => {
        await settings.set(principal.accountId, organisation, body);
        return await show(organisation.id);
      },
    }),
    defineRoute({
      method: "delete",
      path: PATH,
      summary: "Remove an organisation's single sign-on",
      description: "Members stay members.",
      tag: ORGANISATION_TAG,
      auth: "account",
      freshProof: true,
      permission: "sso.write",
      params: organisationParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_PROOF_REQUIRED", "NOT_FOUND"],
      handler: async ({ principal, organisation }) => {
        await settings.remove(principal.accountId, organisation);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: `${PATH}/domains`,
      summary: "Claim an e-mail domain",
      description: "The answer has the TXT record that proves it.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "sso.write",
      params: organisationParamsSchema,
      body: signOnDomainRequestSchema,
      response: { status: 201, schema: signOnDomainResponseSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, organisation, body }) => ({
        domain: showDomain(await domains.add(principal.accountId, organisation.id, body.domain)),
      }),
    }),
    defineRoute({
      method: "post",
      path: `${PATH}/domains/:domain/verify`,
      summary: "Prove an e-mail domain",
      description: "By the TXT record. A domain belongs to the organisation that proved it.",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "sso.write",
      params: signOnDomainParamsSchema,
      response: { status: 200, schema: signOnDomainResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ principal, organisation, params }) => ({
        domain: showDomain(await domains.verify(principal.accountId, organisation.id, params.domain)),
      }),
    }),
    defineRoute({
      method: "delete",
      path: `${PATH}/domains/:domain`,
      summary: "Give an e-mail domain up",
      tag: ORGANISATION_TAG,
      auth: "account",
      permission: "sso.write",
      params: signOnDomainParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, organisation, params }) => {
        await domains.remove(principal.accountId, organisation.id, params.domain);
        return { success: true as const };
      },
    }),
  ];
}
