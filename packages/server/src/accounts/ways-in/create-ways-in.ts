import { type Clock, deriveKey } from "@aerostack/kernel";
import type { Audit } from "../../audit/record.ts";
import type { KnownNetworks } from "../../identity/known-networks.ts";
import { createOneTimeCodes } from "../../identity/one-time-codes.ts";
import type { Background } from "../../kernel/background.ts";
import type { PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import type { Logger } from "../../kernel/log.ts";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { Notices } from "../../notices/service.ts";
import type { SignOnDomains } from "../../teams/single-sign-on/sign-on-domains.ts";
import type { AccountTokens } from "../account-tokens.ts";
import type { LogInAs } from "../log-in-as.ts";
import type { Sessions } from "../sessions.ts";
import type { AccountRow } from "../store.ts";
import { createAccountCodes } from "./codes/account-codes.ts";
import { codeRoutes } from "./codes/routes.ts";
import { createAccountPasskeys } from "./passkeys/account-passkeys.ts";
import { createPasskeyLogIn } from "./passkeys/passkey-log-in.ts";
import { passkeyRoutes } from "./passkeys/routes.ts";
import { createAccountIdentities } from "./providers/account-identities.ts";
import { createLogInProviders } from "./providers/log-in-providers.ts";
import { createProviderAccounts } from "./providers/provider-accounts.ts";
import { createProviderLogIn } from "./providers/provider-log-in.ts";
import type { LogInProviderSettings } from "./providers/provider-settings.ts";
import { providerRoutes } from "./providers/routes.ts";
import { signOnLogInRoutes } from "./sign-on/routes.ts";
import { createSignOnLogIn, type SignOnLogInOptions } from "./sign-on/sign-on-log-in.ts";
import { createWayInTokens } from "./way-in-tokens.ts";

export interface WaysInOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly log: Logger;
  readonly audit: Audit;
  readonly notices: Pick<Notices, "sendInBackground" | "sendMail">;
  readonly background: Background;
  readonly knownNetworks: Pick<KnownNetworks, "originOf">;
  /** Mails the link by which an address is verified. */
  readonly beginVerification: (account: AccountRow) => void;
  readonly hasher: Pick<PasswordHasher, "none">;
  /** 32 bytes that all servers of the installation share; keys of our own are derived from it. */
  readonly installationKey: Uint8Array;
  readonly signUp: "open" | "closed";
  readonly providers: readonly LogInProviderSettings[];
  /** Reaches the providers that the operator named. */
  readonly fetch: OutgoingFetch;
  /** Reaches addresses that an organisation's people typed in, and nothing private. */
  readonly outsideFetch: OutgoingFetch;
  readonly signOn: Pick<SignOnLogInOptions, "settings" | "members"> & { readonly domains: SignOnDomains };
  readonly logInAs: LogInAs;
  readonly sessions: Pick<Sessions, "open">;
  readonly accountTokens: AccountTokens;
  readonly origin: () => string;
}

/**
 * Responsible for the ways into an account beside its password. Never opens a session itself: that is the log-in's, which
 * asks for the second factor. Never keeps what another provider gave, but name and e-mail address.
 */
export function createWaysIn(options: WaysInOptions) {
  const { sql, clock, limiter, log, audit, notices, logInAs, origin } = options;
  const tokens = createWayInTokens(sql, clock);
  const providers = createLogInProviders({ settings: options.providers, clock, fetch: options.fetch });
  const identities = createAccountIdentities({
    sql,
    clock,
    audit,
    notices,
    nameOf: (id) => providers.all.find((provider) => provider.id === id)?.name ?? id,
  });
  const logIn = createProviderLogIn({
    sql,
    key: deriveKey(options.installationKey, "account-log-in-states"),
    tokens,
    limiter,
    providers,
    accounts: createProviderAccounts({ sql, clock, hasher: options.hasher, audit, signUp: options.signUp }),
    identities,
    logInAs,
    origin,
    log,
  });
  const passkeys = createAccountPasskeys({ sql, clock, audit, notices, tokens, origin });
  const passkeyLogIn = createPasskeyLogIn({
    sql,
    limiter,
    passkeys,
    sessions: options.sessions,
    tokens: options.accountTokens,
  });

  const oneTimeCodes = createOneTimeCodes({
    sql,
    clock,
    key: deriveKey(options.installationKey, "account-codes"),
    table: "account_codes",
  });
  const codes = createAccountCodes({
    sql,
    limiter,
    codes: oneTimeCodes,
    knownNetworks: options.knownNetworks,
    notices,
    background: options.background,
    beginVerification: options.beginVerification,
  });

  const signOnLogIn = createSignOnLogIn({
    sql,
    clock,
    key: deriveKey(options.installationKey, "organisation-log-in-states"),
    tokens,
    limiter,
    log,
    audit,
    hasher: options.hasher,
    signUp: options.signUp,
    ...options.signOn,
    fetch: options.outsideFetch,
    logInAs,
    origin,
  });

  return {
    codes,
    /** Whether an account has passkeys, and whether a log-in by one factor asks for one. */
    async passkeysOf(accountId: string) {
      const { passkeys: rows, secondStep } = await passkeys.list(accountId);
      return { isAny: rows.length > 0, isStep: secondStep };
    },
    passkeys,
    async removeExpired(): Promise<void> {
      await tokens.removeExpired();
      await oneTimeCodes.removeExpired();
    },
    routes: [
      ...providerRoutes({ providers, logIn, identities, origin }),
      ...passkeyRoutes(passkeys, passkeyLogIn),
      ...codeRoutes(codes, logInAs),
      ...signOnLogInRoutes({ logIn: signOnLogIn, domains: options.signOn.domains, origin }),
    ],
  };
}
