import { AerostackError } from "@aerostack/contracts";
import {
  type BindingCookie,
  createBrowserAttempts,
  describeFailure,
} from "../../../identity/oauth/browser-attempts.ts";
import { challengeOf } from "../../../identity/oauth/oidc-connection.ts";
import { equalsConstantTime } from "../../../kernel/crypto/token-hash.ts";
import { limitKeyOfAddress } from "../../../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../../kernel/limiter/require-allowed.ts";
import type { Logger } from "../../../kernel/log.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../../keys/principal.ts";
import type { LogInAs, LoginResult } from "../../log-in-as.ts";
import { requireAge } from "../../sign-up-rules.ts";
import type { WayInTokens } from "../way-in-tokens.ts";
import type { AccountIdentities } from "./account-identities.ts";
import type { AccountIdentityRow } from "./identity-store.ts";
import type { LogInProviders } from "./log-in-providers.ts";
import { type ProvenProfile, provenProfileOf, provenProfileSchema } from "./proven-profile.ts";
import type { ProviderAccounts } from "./provider-accounts.ts";

export interface Departure {
  readonly providerId: string;
  /** Path of the installation's own page that the browser comes back to. */
  readonly page: string;
  /** S256 challenge of that page (RFC 7636). */
  readonly codeChallenge: string;
  readonly intent: "log-in" | "connect";
  /** The person's answer to whether they are 16 or older; undefined: they were not asked. */
  readonly ageConfirmed?: boolean | undefined;
}

/**
 * Log-in to accounts through another provider. The browser goes there with a state that its cookie is tied to, and comes
 * back to a page of the installation with a code that is good for two minutes, once, and only with that page's own
 * verifier. A code to connect a provider is good only together with a session: both are proven.
 */
export interface ProviderLogIn {
  /** @throws NOT_FOUND · AUTH_PROVIDER_FAILED · FORBIDDEN for who says to be too young */
  start(departure: Departure, clientAddress: string): Promise<{ readonly url: string; readonly cookie: BindingCookie }>;
  /** Where the browser is sent: the page, with a code or an error in the fragment. @throws AUTH_TOKEN_INVALID */
  finish(
    providerId: string,
    answer: URLSearchParams,
    cookieOf: (name: string) => string | undefined,
  ): Promise<{ readonly url: string; readonly cookieName: string }>;
  /** @throws AUTH_TOKEN_INVALID, and what a new account may be refused with */
  exchange(code: string, codeVerifier: string): Promise<LoginResult>;
  /** @throws AUTH_TOKEN_INVALID, and as `AccountIdentities.connect` */
  connect(identity: AccountIdentity, code: string, codeVerifier: string): Promise<AccountIdentityRow>;
}

export interface ProviderLogInOptions {
  readonly sql: Sql<unknown>;
  /** 32 bytes, the same on every server. */
  readonly key: Uint8Array;
  readonly tokens: WayInTokens;
  readonly limiter: Limiter;
  readonly providers: LogInProviders;
  readonly accounts: ProviderAccounts;
  readonly identities: Pick<AccountIdentities, "connect">;
  readonly logInAs: LogInAs;
  readonly origin: () => string;
  readonly log: Logger;
}

const MINUTE_MS = 60_000;
const STARTS_PER_ADDRESS: LimitPolicy = { limit: 30, windowMs: MINUTE_MS };
const COOKIE_PREFIX = "aerostack_log_in_";
/** An installation has one realm of accounts. */
const REALM = {};

type AttemptData = Pick<Departure, "page" | "codeChallenge" | "intent" | "ageConfirmed">;

export function createProviderLogIn(options: ProviderLogInOptions): ProviderLogIn {
  const { sql, tokens, limiter, providers, accounts, identities, logInAs, origin, log } = options;
  const attempts = createBrowserAttempts({ key: options.key, tokens, cookiePrefix: COOKIE_PREFIX });

  const wayOf = (providerId: string) => ({
    realm: REALM,
    providerId,
    redirectUri: `${origin()}/api/auth/oauth/${providerId}/callback`,
  });

  /** A code for whoever came back. Of who is to be refused, nothing is kept. */
  async function codeFor(profile: ProvenProfile, { intent, codeChallenge, ageConfirmed }: AttemptData) {
    if (intent === "log-in" && (await accounts.find(profile)) === undefined) {
      await accounts.requireNewcomer(profile, ageConfirmed);
    }
    const data = { profile, intent, codeChallenge, ageConfirmed };
    return await tokens.create("oauth-code", { realm: REALM, userId: null, data });
  }

  async function redeem(code: string, codeVerifier: string, intent: Departure["intent"]) {
    const { data } = await tokens.take(sql.db, "oauth-code", REALM, code);
    const isOfPage = equalsConstantTime(String(data.codeChallenge), challengeOf(codeVerifier));
    if (!isOfPage || data.intent !== intent) {
      throw new AerostackError("AUTH_TOKEN_INVALID", {
        message: "The code is for another page or another purpose.",
        fix: "Start again at the page.",
      });
    }
    const { ageConfirmed } = data;
    return {
      profile: provenProfileSchema.parse(data.profile),
      ageConfirmed: typeof ageConfirmed === "boolean" ? ageConfirmed : undefined,
    };
  }

  return {
    async start({ providerId, ...departure }, clientAddress) {
      await requireAllowed(limiter, `provider-log-in:${limitKeyOfAddress(clientAddress)}`, STARTS_PER_ADDRESS);
      const { connection } = providers.require(providerId);
      // Before anything is asked of the provider: of who is too young, nothing is to be learned.
      if (departure.ageConfirmed !== undefined) requireAge(departure.ageConfirmed);
      return await attempts.begin(connection, wayOf(providerId), { ...departure });
    },

    async finish(providerId, answer, cookieOf) {
      const { connection } = providers.require(providerId);
      const { data, attempt, cookieName } = await attempts.finish(sql.db, wayOf(providerId), answer, cookieOf);
      const kept = data as unknown as AttemptData;
      const { intent, page } = kept;
      let told: Readonly<Record<string, string>>;
      try {
        const profile = provenProfileOf(providerId, await connection.identify(answer, attempt));
        told = { code: await codeFor(profile, kept) };
      } catch (error) {
        told = describeFailure(error, log);
      }
      const fragment = new URLSearchParams({ ...told, provider: providerId, intent });
      return { url: `${origin()}${page}#${fragment}`, cookieName };
    },

    async exchange(code, codeVerifier) {
      const { profile, ageConfirmed } = await redeem(code, codeVerifier, "log-in");
      const account = (await accounts.find(profile)) ?? (await accounts.create(profile, ageConfirmed));
      await accounts.markUsed(profile);
      return await logInAs(account);
    },

    async connect(identity, code, codeVerifier) {
      const { profile } = await redeem(code, codeVerifier, "connect");
      return await identities.connect(identity, profile);
    },
  };
}
