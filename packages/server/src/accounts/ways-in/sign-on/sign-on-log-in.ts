import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { z } from "zod";
import type { Audit } from "../../../audit/record.ts";
import {
  type BindingCookie,
  createBrowserAttempts,
  describeFailure,
} from "../../../identity/oauth/browser-attempts.ts";
import { createDiscovery } from "../../../identity/oauth/discovery.ts";
import { challengeOf, createOidcConnection } from "../../../identity/oauth/oidc-connection.ts";
import type { ProviderConnection } from "../../../identity/oauth/provider-connection.ts";
import type { PasswordHasher } from "../../../kernel/crypto/password-hash.ts";
import { equalsConstantTime } from "../../../kernel/crypto/token-hash.ts";
import { limitKeyOfAddress } from "../../../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../../kernel/limiter/require-allowed.ts";
import type { Logger } from "../../../kernel/log.ts";
import type { OutgoingFetch } from "../../../kernel/outgoing.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../../keys/principal.ts";
import type { SignOnDomains } from "../../../teams/single-sign-on/sign-on-domains.ts";
import type { SignOnMembers } from "../../../teams/single-sign-on/sign-on-members.ts";
import type { SignOnSettings } from "../../../teams/single-sign-on/sign-on-settings.ts";
import type { LogInAs, LoginResult } from "../../log-in-as.ts";
import { newAccountRow } from "../../new-account-row.ts";
import { requireSession } from "../../require-session.ts";
import { requireAge, requireOpenSignUp } from "../../sign-up-rules.ts";
import { type AccountRow, accountStore } from "../../store.ts";
import type { AccountTables } from "../../tables.ts";
import { provenProfileOf, provenProfileSchema } from "../providers/proven-profile.ts";
import type { WayInTokens } from "../way-in-tokens.ts";

export interface SignOnDeparture {
  readonly organisationId: string;
  /** Path of the installation's own page that the browser comes back to. */
  readonly page: string;
  /** S256 challenge of that page (RFC 7636). */
  readonly codeChallenge: string;
  readonly intent: "log-in" | "connect";
  readonly ageConfirmed?: boolean | undefined;
}

/**
 * Log-in through an organisation's own provider. Each organisation has a callback address of its own, so that the answer of
 * one's provider counts for no other (RFC 9700, section 4.4). The provider is believed about addresses of the domains that
 * the organisation has proven, and about nobody else's; and an account that exists is opened only once its owner has
 * connected it while logged in.
 */
export interface SignOnLogIn {
  /** @throws NOT_FOUND · AUTH_PROVIDER_FAILED · FORBIDDEN for who says to be too young */
  start(
    departure: SignOnDeparture,
    clientAddress: string,
  ): Promise<{ readonly url: string; readonly cookie: BindingCookie }>;
  /** Where the browser is sent: the page, with a code or an error in the fragment. @throws NOT_FOUND · AUTH_TOKEN_INVALID */
  finish(
    organisationId: string,
    answer: URLSearchParams,
    cookieOf: (name: string) => string | undefined,
  ): Promise<{ readonly url: string; readonly cookieName: string }>;
  /** @throws AUTH_TOKEN_INVALID · FORBIDDEN without a role, and what a new account may be refused with */
  exchange(code: string, codeVerifier: string): Promise<LoginResult>;
  /** @throws FORBIDDEN by a key · AUTH_TOKEN_INVALID · AUTH_USER_EXISTS */
  connect(identity: AccountIdentity, code: string, codeVerifier: string): Promise<void>;
}

export interface SignOnLogInOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  /** 32 bytes, the same on every server. */
  readonly key: Uint8Array;
  readonly tokens: WayInTokens;
  readonly limiter: Limiter;
  readonly log: Logger;
  readonly audit: Audit;
  readonly hasher: Pick<PasswordHasher, "none">;
  readonly signUp: "open" | "closed";
  readonly settings: Pick<SignOnSettings, "requireClient">;
  readonly domains: Pick<SignOnDomains, "isOwn">;
  readonly members: SignOnMembers;
  /** Reaches addresses that an organisation's people typed in, and nothing private. */
  readonly fetch: OutgoingFetch;
  readonly logInAs: LogInAs;
  readonly origin: () => string;
}

const MINUTE_MS = 60_000;
const STARTS_PER_ADDRESS: LimitPolicy = { limit: 30, windowMs: MINUTE_MS };
const COOKIE_PREFIX = "aerostack_sign_on_";
const SCOPES = ["openid", "email", "profile"] as const;
/** An installation has one realm of accounts. */
const REALM = {};

const provenSchema = z.object({
  organisationId: z.string(),
  profile: provenProfileSchema.extend({ email: z.string() }),
  groups: z.array(z.string()),
  ageConfirmed: z.boolean().optional(),
});
type Proven = z.infer<typeof provenSchema>;
type AttemptData = Omit<SignOnDeparture, "organisationId">;

export function createSignOnLogIn(options: SignOnLogInOptions): SignOnLogIn {
  const { clock, tokens, limiter, log, audit, hasher, signUp, settings, domains, members, logInAs, origin } = options;
  const sql = options.sql.withTables<AccountTables>();
  const attempts = createBrowserAttempts({ key: options.key, tokens, cookiePrefix: COOKIE_PREFIX });
  const discover = createDiscovery({ clock, fetch: options.fetch });

  const wayOf = (organisationId: string) => ({
    realm: REALM,
    providerId: `sign-on:${organisationId}`,
    redirectUri: `${origin()}${signOnCallback(organisationId)}`,
  });

  async function open(organisationId: string): Promise<ProviderConnection> {
    const client = await settings.requireClient(organisationId);
    // Who may say that an address is somebody's is decided by the domain that was proven.
    return createOidcConnection({ ...client, scopes: SCOPES, trustEmail: true }, discover, options.fetch);
  }

  async function requireNewcomer(email: string, ageConfirmed: boolean | undefined): Promise<void> {
    if ((await accountStore.findByEmail(sql.db, email)) !== undefined) throw addressTaken();
    requireOpenSignUp(signUp);
    if (ageConfirmed === undefined) throw new AerostackError("AUTH_AGE_UNKNOWN");
    requireAge(ageConfirmed);
  }

  /** Who came back, if the organisation may speak for them and its groups let them in. */
  async function prove(organisationId: string, answer: URLSearchParams, data: AttemptData, attempt: Attempt) {
    const connection = await open(organisationId);
    const told = await connection.identify(answer, attempt);
    const profile = provenProfileOf(`sign-on:${organisationId}`, told);
    if (profile.email === null || !(await domains.isOwn(organisationId, profile.email))) throw foreignAddress();
    const groups = [...(told.groups ?? [])];
    const known = await members.findAccount(organisationId, profile.subjectHash);
    if (known === undefined) {
      if ((await members.roleFor(organisationId, groups)) === null) throw noRole();
      if (data.intent === "log-in") await requireNewcomer(profile.email, data.ageConfirmed);
    }
    return { organisationId, profile, groups, ageConfirmed: data.ageConfirmed };
  }

  async function redeem(code: string, codeVerifier: string, intent: SignOnDeparture["intent"]): Promise<Proven> {
    const { data } = await tokens.take(sql.db, "sign-on-code", REALM, code);
    const isOfPage = equalsConstantTime(String(data.codeChallenge), challengeOf(codeVerifier));
    if (!isOfPage || data.intent !== intent) {
      throw new AerostackError("AUTH_TOKEN_INVALID", {
        message: "The code is for another page or another purpose.",
        fix: "Start again at the page.",
      });
    }
    return provenSchema.parse(data.proven);
  }

  async function create({ organisationId, profile, ageConfirmed }: Proven): Promise<AccountRow> {
    await requireNewcomer(profile.email, ageConfirmed);
    const { email, name } = profile;
    const facts = { email, name, passwordHash: hasher.none(), isAdmin: false, isEmailVerified: true };
    const account = newAccountRow(facts, clock.now());
    await sql.transaction(async (trx) => {
      if (!(await accountStore.insert(trx, account))) throw addressTaken();
      await members.connect(trx, organisationId, profile.subjectHash, account.id);
      await audit.record(trx, {
        actor: { kind: "account", id: account.id },
        action: "account.created",
        target: { kind: "account", id: account.id },
        after: { signOn: organisationId },
      });
    });
    return account;
  }

  return {
    async start({ organisationId, ...departure }, clientAddress) {
      await requireAllowed(limiter, `sign-on:${limitKeyOfAddress(clientAddress)}`, STARTS_PER_ADDRESS);
      if (departure.ageConfirmed !== undefined) requireAge(departure.ageConfirmed);
      return await attempts.begin(await open(organisationId), wayOf(organisationId), { ...departure });
    },

    async finish(organisationId, answer, cookieOf) {
      await settings.requireClient(organisationId);
      const { data, attempt, cookieName } = await attempts.finish(sql.db, wayOf(organisationId), answer, cookieOf);
      const kept = data as unknown as AttemptData;
      const { intent, page, codeChallenge } = kept;
      let told: Readonly<Record<string, string>>;
      try {
        const proven = await prove(organisationId, answer, kept, attempt);
        const stored = { intent, codeChallenge, proven };
        told = { code: await tokens.create("sign-on-code", { realm: REALM, userId: null, data: stored }) };
      } catch (error) {
        told = describeFailure(error, log);
      }
      const fragment = new URLSearchParams({ ...told, organisation: organisationId, intent });
      return { url: `${origin()}${page}#${fragment}`, cookieName };
    },

    async exchange(code, codeVerifier) {
      const proven = await redeem(code, codeVerifier, "log-in");
      const { organisationId, profile, groups } = proven;
      const known = await members.findAccount(organisationId, profile.subjectHash);
      const found = known === undefined ? await create(proven) : await accountStore.findById(sql.db, known);
      if (found === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      if (!(await members.apply(organisationId, found.id, groups))) throw noRole();
      return await logInAs(found, { signOnOrganisationId: organisationId });
    },

    async connect({ via, accountId }, code, codeVerifier) {
      requireSession(via, "An organisation's log-in is connected");
      const { organisationId, profile, groups } = await redeem(code, codeVerifier, "connect");
      await sql.transaction((trx) => members.connect(trx, organisationId, profile.subjectHash, accountId));
      await members.apply(organisationId, accountId, groups);
    },
  };
}

type Attempt = Parameters<ProviderConnection["identify"]>[1];

/** Of one organisation alone. */
export function signOnCallback(organisationId: string): string {
  return `/api/auth/sign-on/${organisationId}/callback`;
}

function foreignAddress(): AerostackError {
  return new AerostackError("FORBIDDEN", {
    message: "The provider names an e-mail address that is of no domain of the organisation.",
    fix: "Log in there with an address of the organisation's, or ask its owner to prove the domain.",
  });
}

function noRole(): AerostackError {
  return new AerostackError("FORBIDDEN", {
    message: "None of your groups has a role in the organisation.",
    fix: "Ask an owner of the organisation, or log in another way.",
  });
}

function addressTaken(): AerostackError {
  return new AerostackError("AUTH_USER_EXISTS", {
    message: "An account with this e-mail address exists, and the organisation's log-in is not connected to it.",
    fix: "Log in the way you do so far, then connect it.",
  });
}
