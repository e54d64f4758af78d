import { type Clock, deriveKey } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { BlockCheck } from "../front-door/blocks/block-check.ts";
import { createKnownNetworks } from "../identity/known-networks.ts";
import type { GithubEndpoints } from "../identity/oauth/github-connection.ts";
import type { VerifyChallenge } from "../identity/verify-challenge.ts";
import { createBackground } from "../kernel/background.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../kernel/crypto/envelope.ts";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import type { Logger } from "../kernel/log.ts";
import type { MessageSender } from "../kernel/messages/message.ts";
import { createOutbox } from "../kernel/messages/outbox.ts";
import type { Outgoing } from "../kernel/outgoing.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Holds, KeptRows } from "../legal/holds.ts";
import { createOutboxRoutes } from "./admin/outbox-routes.ts";
import { createUserAdminRoutes } from "./admin/routes.ts";
import { createUserAdmin } from "./admin/user-admin.ts";
import { createAnonymousUsers } from "./anonymous/anonymous-users.ts";
import { createMergeAnonymous } from "./anonymous/merge-anonymous.ts";
import { createAnonymousRoutes } from "./anonymous/routes.ts";
import { createAuthRequests, type PublicProject } from "./auth-route.ts";
import { createMagicLinks } from "./codes/magic-links.ts";
import { createOneTimeTokens } from "./codes/one-time-tokens.ts";
import { createOtpCodes } from "./codes/otp-codes.ts";
import { createOtpLogin } from "./codes/otp-login.ts";
import { createCodeRoutes } from "./codes/routes.ts";
import { type CallFunction, createEndUserHooks } from "./hooks/hooks.ts";
import { createHumanCheck } from "./human-check/human-check.ts";
import { createEndUserMessages } from "./messages/end-user-messages.ts";
import { createMessageLinks } from "./messages/message-links.ts";
import { createProjectSenders } from "./messages/project-sender.ts";
import { createOauthFlow } from "./oauth/oauth-flow.ts";
import { createProviderConnections } from "./oauth/provider-connections.ts";
import { createProviderUsers } from "./oauth/provider-users.ts";
import { createOauthRoutes } from "./oauth/routes.ts";
import { createUserIdentities } from "./oauth/user-identities.ts";
import { createEndUserOperations } from "./operations.ts";
import { createPageRoutes } from "./pages/routes.ts";
import { createPasskeys } from "./passkeys/passkeys.ts";
import { createPasskeyRoutes } from "./passkeys/routes.ts";
import { createPasswordRule } from "./passwords/password-policy.ts";
import { createPasswordReset } from "./passwords/password-reset.ts";
import { createStoredPasswords } from "./passwords/stored-passwords.ts";
import { type AvatarStorage, createAvatars } from "./profile/avatars.ts";
import { createProfile } from "./profile/profile.ts";
import { createProfileRoutes } from "./profile/routes.ts";
import { removeProjectUsers } from "./remove-project-users.ts";
import { createEndUserRoutes } from "./routes.ts";
import { createEndUserService, MIN_REFUSAL_MS } from "./service.ts";
import { createEndUserAccessTokens } from "./sessions/access-tokens.ts";
import { createRefreshTokens } from "./sessions/refresh-tokens.ts";
import { createEndUserSessions } from "./sessions/sessions.ts";
import { createSigningKeys } from "./sessions/signing-keys.ts";
import { createTokenVerifier } from "./sessions/token-verifier.ts";
import { createConfigRoutes } from "./settings/config-routes.ts";
import { createEndUserSettingsRoutes } from "./settings/routes.ts";
import { createEndUserSettings } from "./settings/settings.ts";
import { showEndUser } from "./show-user.ts";
import { createProvenIdentities } from "./sign-in/proven-identity.ts";
import { createSignIn } from "./sign-in/sign-in.ts";
import type { EndUserTables } from "./tables.ts";
import { createTotpRoutes } from "./totp/routes.ts";
import { createSecondFactors } from "./totp/second-factor.ts";
import { createUserEraser } from "./users/erase-user.ts";
import { createEndUserDirectory, createUserRows } from "./users/user-directory.ts";
import { createEmailVerification } from "./verification/email-verification.ts";
import { createVerificationRoutes } from "./verification/routes.ts";

export interface EndUsersOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  readonly limiter: Limiter;
  readonly hasher: PasswordHasher;
  readonly envelope: Envelope;
  /** 32 bytes that all servers of the installation share; keys of our own are derived from it. */
  readonly installationKey: Uint8Array;
  readonly log: Logger;
  /** Where clients reach the server; named in access tokens. */
  readonly origin: string;
  /** For whoever manages a project. */
  /** By slug or id, whoever asks. */
  readonly findPublicProject: (slugOrId: string) => Promise<PublicProject | undefined>;
  /** Sends e-mail for projects without a sender of their own; null: there is none. */
  readonly mailSender: MessageSender | null;
  /** Sends text messages for projects without a sender of their own. */
  readonly textSender?: MessageSender | null;
  /** Reaches addresses that a project's people typed in, as far as their functions may. */
  readonly outgoing: Outgoing;
  /** Whom the operators keep out. */
  readonly blocks: Pick<BlockCheck, "of" | "require">;
  /** Asks whether a person solved a challenge of a project. */
  readonly verifyChallenge: VerifyChallenge;
  /** What keeps the deletion of a user back. */
  readonly holds: Pick<Holds, "ofEndUser" | "keepUser">;
  readonly avatarStorage: AvatarStorage;
  /** Calls a function of a project, for its hooks. */
  readonly callFunction: CallFunction;
  /** For tests: they do not wait. */
  readonly minRefusalMs?: number;
  /** For tests: where GitHub is. */
  readonly github?: GithubEndpoints;
  /** A line for the project's own log. */
  readonly logToProject: (projectId: string, message: string) => void;
}

/**
 * The users of projects: how they sign up, log in and stay logged in. Each project's users are its own; nothing here is an
 * account of this installation.
 */
export function createEndUsers(options: EndUsersOptions) {
  const { clock, changes, audit, limiter, hasher, envelope, log, origin, findPublicProject, outgoing } = options;
  const sql = options.sql.withTables<EndUserTables>();
  const requireUnblocked = (userId: string) => options.blocks.require("end_user", userId);
  const keyFor = (purpose: string) => deriveKey(options.installationKey, purpose);

  // What everything else asks
  const settings = createEndUserSettings({ sql, clock, changes, envelope, audit });
  const outbox = createOutbox({
    sql: options.sql,
    clock,
    envelope,
    findSender: createProjectSenders({
      settings,
      outgoing,
      installation: { mail: options.mailSender, sms: options.textSender ?? null },
    }),
    log,
    onStuck: options.logToProject,
  });
  const background = createBackground(log);
  const messages = createEndUserMessages({ outbox, background, settings, findProject: findPublicProject });

  const hooks = createEndUserHooks({
    settings,
    call: options.callFunction,
    background,
    now: () => clock.now(),
    log,
    logToProject: options.logToProject,
  });
  const human = createHumanCheck({ settings, verify: options.verifyChallenge });

  // Sessions and their tokens
  const keys = createSigningKeys({ sql, clock, changes, envelope, audit });
  const accessTokens = createEndUserAccessTokens({ clock, keys, origin });
  const knownNetworks = createKnownNetworks({
    sql: options.sql,
    clock,
    key: keyFor("end-user-known-networks"),
    table: "end_user_known_networks",
  });
  const sessions = createEndUserSessions({
    sql,
    clock,
    changes,
    accessTokens,
    knownNetworks,
    refreshTokens: createRefreshTokens(keyFor("end-user-refresh-token")),
    settings,
    requireUnblocked,
    claimsOf: (projectId, user) => hooks.claims(projectId, { user: showEndUser(user) }),
    log,
  });
  const verifyToken = createTokenVerifier({
    sql,
    clock,
    changes,
    accessTokens,
    settings,
    refusalOf: (userId) => options.blocks.of("end_user", userId),
  });

  const avatars = createAvatars({ clock, storage: options.avatarStorage, authUrlOf: accessTokens.issuerOf });
  const eraseUser = createUserEraser({ sql, changes, holds: options.holds, avatars });

  // Ways to log in
  const directory = createEndUserDirectory(sql);
  const users = createUserRows(sql);
  const passwords = createStoredPasswords(hasher);
  const tokens = createOneTimeTokens({ sql, clock });
  const factors = createSecondFactors({
    sql,
    clock,
    envelope,
    settings,
    knownNetworks,
    recoveryKey: keyFor("end-user-recovery-code"),
  });
  const signIn = createSignIn({
    sql,
    sessions,
    factors,
    tokens,
    hooks,
    requireUnblocked,
    mergeAnonymous: createMergeAnonymous({ sql, eraseUser, hooks }),
  });
  const passkeys = createPasskeys({ sql, clock, settings, tokens, signIn });
  const identities = createProvenIdentities({
    sql,
    clock,
    changes,
    settings,
    hooks,
  });
  const links = createMessageLinks({ settings, authUrlOf: accessTokens.issuerOf });
  const verification = createEmailVerification({ sql, clock, changes, tokens, messages, links });
  const passwordRule = createPasswordRule({
    settings,
    nameOf: async (projectId) => (await findPublicProject(projectId))?.name,
  });
  const reset = createPasswordReset({ sql, clock, changes, hasher, passwordRule, tokens, messages, links });
  const codes = createOtpCodes({ sql, clock, key: keyFor("end-user-otp") });
  const otp = createOtpLogin({ codes, knownNetworks, limiter, settings, messages, identities, signIn });
  const magicLinks = createMagicLinks({ sql, tokens, settings, messages, links, identities, signIn });
  const service = createEndUserService({
    sql,
    clock,
    hasher,
    passwords,
    limiter,
    settings,
    passwordRule,
    signIn,
    verification,
    messages,
    hooks,
    knownNetworks,
    minRefusalMs: options.minRefusalMs ?? MIN_REFUSAL_MS,
  });

  const connections = createProviderConnections({ clock, settings, fetch: outgoing.fetch, github: options.github });
  const flow = createOauthFlow({
    sql,
    key: keyFor("end-user-oauth"),
    tokens,
    connections,
    users: createProviderUsers({ sql, clock, changes, settings, identities, hooks }),
    signIn,
    authUrlOf: accessTokens.issuerOf,
    log,
  });
  const anonymous = createAnonymousUsers({
    sql,
    clock,
    changes,
    hasher,
    limiter,
    settings,
    passwordRule,
    signIn,
    verification,
    messages,
    hooks,
  });

  // What users keep of themselves
  const profile = createProfile({
    sql,
    clock,
    changes,
    hasher,
    passwords,
    limiter,
    settings,
    passwordRule,
    avatars,
    eraseUser,
  });

  // What the project's own people do with them
  const admin = createUserAdmin({ sql, clock, changes, hasher, settings, passwordRule, eraseUser });

  const requests = createAuthRequests({ clock, findProject: findPublicProject, verifyToken });
  return {
    /** Who an access token stands for, for capabilities that serve end users. */
    verifyToken,
    getUser: directory.getUser,
    getUserByEmail: directory.getUserByEmail,
    outbox,
    operations: createEndUserOperations(service, human),
    routes: [
      ...createEndUserRoutes({ requests, human, service, sessions, keys, verifyToken }),
      ...createVerificationRoutes({ requests, human, limiter, settings, verification, reset, identities, messages }),
      ...createAnonymousRoutes({ requests, human, anonymous }),
      ...createProfileRoutes({
        requests,
        limiter,
        settings,
        profile,
        avatars,
        anonymous,
        verification,
        messages,
        users,
      }),
      ...createTotpRoutes({ requests, settings, factors, passkeys, signIn, users }),
      ...createPasskeyRoutes({ requests, settings, passkeys, users }),
      ...createOauthRoutes({
        requests,
        settings,
        flow,
        identities: createUserIdentities(sql),
        authUrlOf: accessTokens.issuerOf,
      }),
      ...createCodeRoutes({ requests, human, limiter, settings, otp, magicLinks }),
      ...createConfigRoutes({ requests, settings, authUrlOf: accessTokens.issuerOf }),
      ...createPageRoutes({ requireProject: requests.requireProject, settings }),
      ...createEndUserSettingsRoutes({ settings, keys }),
      ...createUserAdminRoutes({ sql, clock, admin, sessions, passkeys, factors }),
      ...createOutboxRoutes({ outbox }),
    ],
    /** Resolves when what answers did not wait for is done. */
    async idle(): Promise<void> {
      await background.idle();
      await outbox.idle();
    },
    /** What was kept of a user beside their rows, once no hold keeps it. */
    async removeKept(projectId: string, userId: string, rows: KeptRows | null): Promise<void> {
      const avatarUrl = rows?.end_users?.[0]?.avatar_url;
      if (typeof avatarUrl === "string") await avatars.remove(projectId, userId, avatarUrl);
    },
    removeProject: (projectId: string) => removeProjectUsers(sql, projectId),
    async removeExpired(): Promise<void> {
      await sessions.removeExpired();
      await tokens.removeExpired();
      await codes.removeExpired();
      await knownNetworks.removeExpired();
      await outbox.removeExpired();
    },
    start: () => outbox.start(),
    async close(): Promise<void> {
      await background.idle();
      await outbox.close();
    },
  };
}

export type EndUsers = ReturnType<typeof createEndUsers>;
