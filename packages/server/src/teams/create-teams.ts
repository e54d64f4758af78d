import type { Envelope } from "../kernel/crypto/envelope.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createInvitationService, INVITATION_DAYS, type Invitee } from "./invitations.ts";
import { createMemberService } from "./members.ts";
import { createOwnerlessOrganisations } from "./ownerless.ts";
import { createOwnershipService } from "./ownership.ts";
import { createProjectAccessService } from "./project-access.ts";
import { createRoleService } from "./roles.ts";
import { invitationRoutes } from "./routes/invitation-routes.ts";
import { memberRoutes } from "./routes/member-routes.ts";
import { organisationRoutes } from "./routes/organisation-routes.ts";
import { ownerlessRoutes } from "./routes/ownerless-routes.ts";
import { ownershipRoutes } from "./routes/ownership-routes.ts";
import { projectAccessRoutes } from "./routes/project-access-routes.ts";
import { roleRoutes } from "./routes/role-routes.ts";
import { createOrganisationService } from "./service.ts";
import { signOnSettingsRoutes } from "./single-sign-on/routes.ts";
import { createSignOnDomains, type DomainProof } from "./single-sign-on/sign-on-domains.ts";
import { createSignOnMembers } from "./single-sign-on/sign-on-members.ts";
import { createSignOnSettings } from "./single-sign-on/sign-on-settings.ts";
import type { SignOnTables } from "./single-sign-on/tables.ts";
import type { TeamTables } from "./tables.ts";
import type { TeamOptions } from "./team-options.ts";

export interface TeamsOptions extends Omit<TeamOptions, "sql"> {
  readonly sql: Sql<unknown>;
  readonly limiter: Limiter;
  /** Before an account invites others. @throws FORBIDDEN */
  readonly requireConfirmedEmail: (accountId: string) => Promise<void>;
  readonly origin: () => string;
  readonly envelope: Envelope;
  readonly domainProof: DomainProof;
  readonly findAccount: (accountId: string) => Promise<Invitee & { readonly name: string | null }>;
  readonly sendInvitation: (mail: InvitationMail) => Promise<void>;
}

/** What an invitation says, and to whom. */
export interface InvitationMail {
  readonly to: string;
  readonly link: string;
  readonly inviter: string;
  readonly organisation: string;
  readonly role: string;
  readonly days: number;
}

/** Organisations, their members and roles, and how people come in: with their addresses. */
export function createTeams(all: TeamsOptions) {
  const { findAccount, sendInvitation, origin, limiter, requireConfirmedEmail, envelope, domainProof, ...rest } = all;
  const options: TeamOptions = { ...rest, sql: rest.sql.withTables<TeamTables>() };
  const organisations = createOrganisationService(options);
  const invitations = createInvitationService({ ...options, limiter, requireConfirmedEmail });
  const signOnOptions = { ...rest, sql: rest.sql.withTables<SignOnTables>() };
  const signOn = {
    settings: createSignOnSettings({ ...signOnOptions, envelope }),
    domains: createSignOnDomains({ ...signOnOptions, proof: domainProof }),
    members: createSignOnMembers(signOnOptions),
  };
  return {
    organisations,
    signOn,
    routes: [
      ...organisationRoutes(organisations),
      ...memberRoutes(createMemberService(options)),
      ...roleRoutes(createRoleService(options)),
      ...invitationRoutes({
        invitations,
        clock: options.clock,
        inviteeOf: findAccount,
        async deliver(inviterId, organisation, { row, token, roleName }) {
          const inviter = await findAccount(inviterId);
          // Behind the hash: neither logs nor the next page's Referer see the token.
          const link = `${origin()}/invitations#token=${token}`;
          await sendInvitation({
            to: row.email,
            link,
            inviter: inviter.name ?? inviter.email,
            organisation: organisation.name,
            role: roleName,
            days: INVITATION_DAYS,
          });
          return link;
        },
      }),
      ...signOnSettingsRoutes({
        ...signOn,
        proof: domainProof,
        callbackUrl: (id) => `${origin()}/api/auth/sign-on/${id}/callback`,
      }),
      ...ownerlessRoutes(createOwnerlessOrganisations(options)),
      ...ownershipRoutes(createOwnershipService(options)),
      ...projectAccessRoutes({ access: createProjectAccessService(options), organisations }),
    ],
  };
}
