import type { PlanName, ProjectMetadata } from "@aerostack/contracts";
import { type BlobStore, type Clock, createId, deriveKey } from "@aerostack/kernel";
import { createAccessTokens, looksLikeJwt } from "./accounts/access-token.ts";
import { accountKeyRoutes } from "./accounts/account-key-routes.ts";
import { createAccountKeyService } from "./accounts/account-keys.ts";
import { createAccountTokens } from "./accounts/account-tokens.ts";
import { createAgeReports } from "./accounts/age-reports/age-reports.ts";
import { ageReportRoutes } from "./accounts/age-reports/routes.ts";
import { type AccountClosing, createAccountClosing } from "./accounts/closing/account-closing.ts";
import { closingRoutes } from "./accounts/closing/routes.ts";
import { createConfirmedEmailRule } from "./accounts/confirmed-email.ts";
import { createConsents } from "./accounts/consents/consents.ts";
import { consentRoutes } from "./accounts/consents/routes.ts";
import { createDeviceLogins } from "./accounts/device-login.ts";
import { deviceRoutes } from "./accounts/device-routes.ts";
import { deviceSessionRoutes } from "./accounts/device-session-routes.ts";
import { createDeviceSessions } from "./accounts/device-sessions.ts";
import { createEmailChange } from "./accounts/email-change.ts";
import { emailChangeRoutes } from "./accounts/email-change-routes.ts";
import { createEmailVerification } from "./accounts/email-verification.ts";
import { emailVerificationRoutes } from "./accounts/email-verification-routes.ts";
import { createFreshProofs } from "./accounts/fresh-proof/fresh-proof.ts";
import { freshProofRoutes } from "./accounts/fresh-proof/routes.ts";
import { happenedNow } from "./accounts/happened.ts";
import { type ChallengeSettings, createHumanCheck } from "./accounts/human-check.ts";
import { createLogInAs } from "./accounts/log-in-as.ts";
import { createLogInRecord } from "./accounts/log-in-record.ts";
import { createPasswordChanger } from "./accounts/password-change.ts";
import { createPasswordReset } from "./accounts/password-reset.ts";
import { passwordResetRoutes } from "./accounts/password-reset-routes.ts";
import { createPasswordRule } from "./accounts/password-rule.ts";
import { createPictures, type DrawPicture } from "./accounts/pictures/pictures.ts";
import { pictureRoutes } from "./accounts/pictures/routes.ts";
import { createProfileChanger } from "./accounts/profile/profile.ts";
import { profileRoutes } from "./accounts/profile/routes.ts";
import { accountRoutes } from "./accounts/routes.ts";
import { secondFactorRoutes } from "./accounts/second-factor/routes.ts";
import { createAccountSecondFactors } from "./accounts/second-factor/second-factor.ts";
import { createSecondStep } from "./accounts/second-factor/second-step.ts";
import { createAccountService } from "./accounts/service.ts";
import { createSessionCookies } from "./accounts/session-cookie.ts";
import { createSessions, type SessionLifetimes } from "./accounts/sessions.ts";
import { createWaysIn } from "./accounts/ways-in/create-ways-in.ts";
import type { LogInProviderSettings } from "./accounts/ways-in/providers/provider-settings.ts";
import { createAudit } from "./audit/create-audit.ts";
import { createSecretMask } from "./audit/mask-secrets.ts";
import { auditRoutes } from "./audit/routes.ts";
import { normaliseHostname } from "./domains/hostname.ts";
import { createProofToken, createTxtProof, proofRecord, type ResolveTxt } from "./domains/txt-proof.ts";
import type { Places } from "./edge/route-place.ts";
import { guardOrganisations, guardProjects, resolveUnblocked } from "./front-door/blocks/keep-out.ts";
import { createBlockRoutes } from "./front-door/blocks/routes.ts";
import { createBlocks } from "./front-door/blocks/service.ts";
import { createTellBlocked } from "./front-door/blocks/tell-blocked.ts";
import { createKnownNetworks } from "./identity/known-networks.ts";
import { createChallengeVerifier } from "./identity/verify-challenge.ts";
import { createBackground } from "./kernel/background.ts";
import type { Bus } from "./kernel/bus/bus.ts";
import { createChangeFeed } from "./kernel/change-feed/change-feed.ts";
import { createEnvelope } from "./kernel/crypto/envelope.ts";
import { createPasswordHasher } from "./kernel/crypto/password-hash.ts";
import { everyHour } from "./kernel/every-hour.ts";
import type { Lifecycle } from "./kernel/lifecycle.ts";
import type { Limiter } from "./kernel/limiter/limiter.ts";
import type { Logger } from "./kernel/log.ts";
import type { Outbox } from "./kernel/messages/outbox.ts";
import type { OutgoingFetch } from "./kernel/outgoing.ts";
import type { Secrets } from "./kernel/secrets.ts";
import type { Sql } from "./kernel/sql/index.ts";
import { createCredentialFinder } from "./keys/find-credential.ts";
import { createGithubReports } from "./keys/leaked/github-reports.ts";
import { createLeakedKeys } from "./keys/leaked/leaked-keys.ts";
import { leakedKeyRoutes } from "./keys/leaked/routes.ts";
import { createPrincipalResolver } from "./keys/principal-resolver.ts";
import { createKeyUseRecorder } from "./keys/record-uses.ts";
import { createRefusedUses } from "./keys/refused-uses.ts";
import { projectKeyRoutes } from "./keys/routes.ts";
import { createProjectKeyService } from "./keys/service.ts";
import { createLegalCases } from "./legal/cases.ts";
import { createHolds, type KeptRows } from "./legal/holds.ts";
import { createLegalCaseRoutes } from "./legal/routes.ts";
import { createAccountNotices } from "./notices/create-account-notices.ts";
import { planRoutes } from "./plans/routes.ts";
import { createPlanService } from "./plans/service.ts";
import { cliRoutes } from "./projects/cli-routes.ts";
import { createProjectCreation } from "./projects/create-project.ts";
import { projectRoutes } from "./projects/routes.ts";
import { createProjectService, type ProjectRecord } from "./projects/service.ts";
import { sealedColumns } from "./sealed-columns.ts";
import { addSetupPages } from "./setup/pages.ts";
import { setupRoutes } from "./setup/routes.ts";
import { createSetupService } from "./setup/service.ts";
import { createAccessReader, withAccess } from "./teams/access.ts";
import { createTeams } from "./teams/create-teams.ts";

export interface ControlPlaneOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly limiter: Limiter;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly secrets: Secrets;
  /** 32 bytes that all servers of the installation share. */
  readonly installationKey: Uint8Array;
  readonly signUp: "open" | "closed";
  /** Where people write to who think that they are blocked wrongly; by default the installation's contact page. */
  readonly contact?: string | undefined;
  readonly sessionLifetimes: SessionLifetimes;
  /** Removes what was kept of a user beside their rows. */
  readonly removeKeptUser?: (projectId: string, userId: string, rows: KeptRows | null) => Promise<void>;
  /** Before an account makes projects and invites others. */
  readonly requireConfirmedEmail: boolean;
  /** Other providers that accounts may log in through. */
  readonly logInProviders: readonly LogInProviderSettings[];
  readonly defaultPlan: PlanName;
  /** Where clients reach the server; known once it listens. */
  readonly origin: () => string;
  /** Where messages wait to be sent; it is there once the server listens. */
  readonly outbox: () => Outbox;
  /** Whether somebody is set to send the installation's mail. */
  readonly canSendMail: boolean;
  /** Named in access tokens; the same over restarts. */
  readonly issuer: string;
  /** Where a project's functions answer. */
  readonly projectUrl: (project: ProjectRecord) => string;
  readonly deployStarter: (project: ProjectRecord) => Promise<string | undefined>;
  readonly describeCollections: (projectId: string) => Promise<ProjectMetadata["collections"]>;
  /** Where a secret scanner's public keys are. */
  readonly secretScanningKeys?: string | undefined;
  /** The way to addresses that the operator named. */
  readonly fetch: OutgoingFetch;
  /** The way to addresses that an organisation's people typed in, and to nothing private. */
  readonly outsideFetch: OutgoingFetch;
  readonly resolveTxt: ResolveTxt;
  /** Tells people from programs at sign-up and log-in, where it is set. */
  readonly challenge?: ChallengeSettings | undefined;
  /** Who is asked whether a challenge was solved: of the installation, and of projects. */
  readonly challengeVerifyUrl: string;
  /** Where pictures of accounts and organisations are, and what makes them. */
  readonly pictures: { readonly blobs: BlobStore; readonly draw: DrawPicture };
  /** For tests: password hashing as weak as they like. */
  readonly passwordIterations?: number;
}

/** Accounts, projects, keys and who calls: everything that knows people and nothing that serves their functions. */
export function createControlPlane(options: ControlPlaneOptions) {
  const { sql, clock, bus, limiter, log, lifecycle, origin } = options;
  const changes = createChangeFeed({ sql, clock, bus });
  const audit = createAudit({
    sql,
    clock,
    log,
    lifecycle,
    signingKeys: options.secrets.signingKeys,
    mask: createSecretMask(sealedColumns),
  });
  const envelope = createEnvelope(options.secrets.masterKeys);
  const accessTokens = createAccessTokens({
    signingKeys: options.secrets.signingKeys,
    issuer: options.issuer,
    clock,
    newId: () => createId("jti", clock.now()),
  });
  const holds = createHolds({ sql, clock, envelope });
  const background = createBackground(log);
  lifecycle.onClose("work beside answers", () => background.idle());
  const { notices, routes: routesOfNotices } = createAccountNotices({
    sql,
    clock,
    background,
    log,
    lifecycle,
    findAccount: (accountId) => accounts.find(accountId),
    outbox: options.outbox,
    origin,
  });
  const contact = () => options.contact ?? `${origin()}/contact`;
  const blocks = createBlocks({
    sql,
    clock,
    changes,
    audit,
    contact,
    onChanged: createTellBlocked({ notices, contact }),
  });
  const requireUnblocked = (accountId: string) => blocks.check.require("account", accountId);
  const knownNetworks = createKnownNetworks({
    sql,
    clock,
    key: deriveKey(options.installationKey, "account-known-networks"),
    table: "account_known_networks",
  });
  const logIns = createLogInRecord({ sql, clock, audit, background });
  const sessions = createSessions({
    sql,
    clock,
    changes,
    knownNetworks,
    accessTokens,
    log,
    lifetimes: options.sessionLifetimes,
    onReuse: (accountId) =>
      notices.sendInBackground({ accountId, template: "refresh-reuse", data: happenedNow(clock) }),
    reopen: (account) => closing.reopen(account),
    requireUnblocked,
    logIns,
    onNewDevice: (accountId) =>
      notices.sendInBackground({ accountId, template: "new-device", data: happenedNow(clock) }),
  });
  const cookies = createSessionCookies(origin, options.sessionLifetimes.idleMs);
  const hasher = createPasswordHasher(options.passwordIterations);
  const accountTokens = createAccountTokens(sql, clock);
  const secondFactors = createAccountSecondFactors({
    sql,
    clock,
    envelope,
    sessions,
    audit,
    notices,
    tokens: accountTokens,
    knownNetworks,
    recoveryKey: deriveKey(options.installationKey, "account-recovery-codes"),
    origin,
  });
  const emailVerification = createEmailVerification({
    sql,
    clock,
    limiter,
    audit,
    notices,
    background,
    origin,
    tokens: accountTokens,
    canSendMail: options.canSendMail,
  });
  const secondStep = createSecondStep({
    tokens: accountTokens,
    hasAuthenticator: async (accountId) => (await secondFactors.state(accountId)).enabled,
    passkeysOf: (accountId) => waysIn.passkeysOf(accountId),
  });
  const logInAs = createLogInAs({ sessions, secondStep, requireUnblocked });
  const verifyChallenge = createChallengeVerifier({ fetch: options.fetch, url: options.challengeVerifyUrl });
  const requireStrongPassword = createPasswordRule(origin);
  const accounts = createAccountService({
    requireStrongPassword,
    humanCheck: createHumanCheck({ challenge: options.challenge, verify: verifyChallenge, limiter, origin }),
    sql,
    clock,
    hasher,
    limiter,
    sessions,
    logInAs,
    signUp: options.signUp,
    knownNetworks,
    onCreated: emailVerification.begin,
    onFailure: logIns.failed,
  });
  const requireConfirmedEmail = createConfirmedEmailRule({ isRequired: options.requireConfirmedEmail, accounts });
  const teams = createTeams({
    requireConfirmedEmail,
    sql,
    clock,
    changes,
    audit,
    holds,
    limiter,
    origin,
    envelope,
    domainProof: {
      normalise: normaliseHostname,
      createToken: createProofToken,
      recordOf: proofRecord,
      check: createTxtProof(options.resolveTxt).check,
    },
    findAccount: accounts.require,
    sendInvitation: ({ to, ...data }) => notices.sendMail({ to, template: "invitation", data }),
  });
  const waysIn = createWaysIn({
    sql,
    clock,
    limiter,
    log,
    audit,
    notices,
    hasher,
    installationKey: options.installationKey,
    signUp: options.signUp,
    providers: options.logInProviders,
    fetch: options.fetch,
    outsideFetch: options.outsideFetch,
    signOn: teams.signOn,
    logInAs,
    sessions,
    accountTokens,
    background,
    knownNetworks,
    beginVerification: emailVerification.begin,
    origin,
  });
  const passwordReset = createPasswordReset({
    requireStrongPassword,
    sql,
    clock,
    changes,
    hasher,
    limiter,
    audit,
    notices,
    background,
    origin,
    tokens: accountTokens,
  });
  const freshProofs = createFreshProofs({ sql, clock, hasher, limiter, secondFactors, ...waysIn });
  const accountKeys = createAccountKeyService({ sql, clock, changes, audit });
  const devices = createDeviceLogins({ sql, clock, limiter, accountKeys });
  const projects = guardProjects(createProjectService({ sql, clock, changes, audit, holds, log }), blocks.check);
  const closing: AccountClosing = createAccountClosing({
    sql,
    clock,
    changes,
    hasher,
    limiter,
    audit,
    notices,
    tokens: accountTokens,
    log,
    origin,
    holds,
    projects,
    onOwnerless: ({ id, name }) =>
      background.run("telling operators of an organisation without an owner", async () => {
        const data = { organisation: name, organisationId: id };
        for (const accountId of await accounts.listAdmins()) {
          notices.sendInBackground({ accountId, template: "organisation-without-owner", data });
        }
      }),
    proveSecondFactor: secondFactors.prove,
  });
  const organisations = guardOrganisations(teams.organisations, blocks.check);
  const createProject = createProjectCreation(projects, organisations, requireConfirmedEmail);
  const pictures = createPictures({ sql, clock, changes, limiter, audit, ...options.pictures });
  const plans = createPlanService({ sql, clock, changes, audit, defaultPlan: options.defaultPlan });
  projects.onDelete("plan", ({ id }) => plans.deleteProject(id));
  const projectKeys = createProjectKeyService({ sql, clock, changes, projects, audit });
  const leakedKeys = createLeakedKeys({
    clock,
    notices,
    revokers: { ak: accountKeys.revokeLeaked, sk: projectKeys.revokeLeaked },
  });
  const find = createCredentialFinder({
    isAccessToken: looksLikeJwt,
    accessTokens: sessions.find,
    accountKeys: accountKeys.find,
    projectKeys: projectKeys.find,
  });
  const refusedUses = createRefusedUses({ sql, clock, log });
  lifecycle.onClose("refused uses of keys", () => refusedUses.close());
  const resolver = resolveUnblocked(
    createPrincipalResolver({
      clock,
      changes,
      find: withAccess(find, createAccessReader(sql)),
      onRefused: refusedUses.note,
    }),
    blocks.check,
  );
  const setup = createSetupService({
    accounts,
    projects,
    keys: projectKeys,
    deployStarter: options.deployStarter,
    origin,
    log,
  });

  const uses = createKeyUseRecorder(
    resolver,
    async (ids, usedAtMs, ip) => {
      await accountKeys.markUsed(ids, usedAtMs, ip);
      await projectKeys.markUsed(ids, usedAtMs, ip);
    },
    log,
  );
  lifecycle.onClose("key uses", () => uses.close());
  /** What holds kept back and do not any more, in the order in which it rests on each other. */
  async function carryOutReleased(): Promise<void> {
    await projects.resumeDeletions();
    await holds.release(async ({ kind, subjectId, projectId, rows }) => {
      if (kind === "organisation") await teams.organisations.removeKept(subjectId);
      else await options.removeKeptUser?.(projectId ?? "", subjectId, rows);
    });
    await closing.deleteDue();
  }
  const legalCases = createLegalCases({
    sql,
    clock,
    audit,
    holds,
    notices,
    contact,
    onLifted: () => background.run("carrying out what was kept back", carryOutReleased),
  });
  for (const [name, work] of [
    ["removing expired sessions", sessions.removeExpired],
    ["removing expired tokens of accounts", accountTokens.removeExpired],
    ["removing expired codes and ways to providers", waysIn.removeExpired],
    ["forgetting networks of accounts", knownNetworks.removeExpired],
    ["finishing deletions", carryOutReleased],
    ["removing pictures that were replaced", pictures.collect],
    ["noting log-ins that failed", logIns.flushFailures],
    ["removing old refusals of keys", refusedUses.removeExpired],
  ] as const) {
    const housekeeping = everyHour(name, work, log);
    lifecycle.onClose(name, () => housekeeping.stop());
  }

  return {
    audit,
    blocks,
    holds,
    carryOutReleased,
    refusedUses,
    changes,
    limiter,
    hasher,
    accounts,
    verifyChallenge,
    notices,
    closing,
    logIns,
    pictures,
    findOrganisation: teams.organisations.find,
    background,
    /** Resolves when what answers did not wait for is done. */
    idle: background.idle,
    sessions,
    projects,
    /** What routes are about, for callers that may do there what the route does. */
    places: { project: projects.require, organisation: organisations.require } satisfies Places,
    requireFreshProof: freshProofs.require,
    plans,
    projectKeys,
    limitsOfAccountKey: accountKeys.limitsOf,
    resolver,
    flushKeyUses: uses.flush,
    addPages: addSetupPages(accounts.isSetUp, options.challenge),
    routes: [
      ...accountRoutes({
        accounts,
        sessions,
        cookies,
        accessTokens,
        challenge: options.challenge,
        changePassword: createPasswordChanger({
          requireStrongPassword,
          sql,
          clock,
          changes,
          hasher,
          limiter,
          audit,
          notices,
          tokens: accountTokens,
        }),
      }),
      ...deviceSessionRoutes(createDeviceSessions({ sql, clock, changes, audit }), options.sessionLifetimes),
      ...emailVerificationRoutes(emailVerification),
      ...passwordResetRoutes(passwordReset),
      ...emailChangeRoutes(
        createEmailChange({
          sql,
          clock,
          changes,
          hasher,
          limiter,
          audit,
          notices,
          background,
          origin,
          tokens: accountTokens,
          mailPasswordLink: passwordReset.mailLink,
        }),
      ),
      ...secondFactorRoutes(secondFactors, freshProofs),
      ...freshProofRoutes(freshProofs),
      ...profileRoutes({ accounts, changeProfile: createProfileChanger({ sql, clock, changes, audit }) }),
      ...pictureRoutes(pictures),
      ...consentRoutes(createConsents({ sql, clock, audit })),
      ...closingRoutes(closing),
      ...ageReportRoutes(createAgeReports({ sql, clock, limiter, audit, closing })),
      ...waysIn.routes,
      ...deviceRoutes({ devices, accounts, origin }),
      ...setupRoutes(setup),
      ...routesOfNotices,
      ...accountKeyRoutes(accountKeys),
      ...projectRoutes({ projects, create: createProject, urlOf: options.projectUrl }),
      ...projectKeyRoutes(projectKeys),
      ...leakedKeyRoutes({
        leakedKeys,
        limiter,
        github: createGithubReports({ clock, publicKeysUrl: options.secretScanningKeys, fetch: options.fetch }),
      }),
      ...teams.routes,
      ...planRoutes({ plans, projects }),
      ...auditRoutes(audit),
      ...createLegalCaseRoutes(legalCases),
      ...createBlockRoutes({ blocks, now: clock.now }),
      ...cliRoutes({
        accounts,
        projects,
        create: createProject,
        urlOf: options.projectUrl,
        describeCollections: options.describeCollections,
      }),
    ].map(cookies.deliver),
  };
}
