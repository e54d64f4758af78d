import { AerostackError } from "@aerostack/contracts";
import { type BindingCookie, createBrowserAttempts, describeFailure } from "../../identity/oauth/browser-attempts.ts";
import { challengeOf } from "../../identity/oauth/oidc-connection.ts";
import type { AuthorizationAttempt } from "../../identity/oauth/provider-connection.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { OneTimeTokens } from "../codes/one-time-tokens.ts";
import { withParameters } from "../messages/redirect-urls.ts";
import type { EndUserCaller } from "../sessions/sessions.ts";
import type { SignIn, SignInResult } from "../sign-in/sign-in.ts";
import type { EndUserTables } from "../tables.ts";
import { endUserStore } from "../users/store.ts";
import type { ProviderConnections } from "./provider-connections.ts";
import type { ProviderUsers } from "./provider-users.ts";

export interface Departure {
  readonly projectId: string;
  readonly providerId: string;
  /** On the project's list. */
  readonly redirectTo: string;
  /** S256 challenge of the application (RFC 7636). */
  readonly codeChallenge?: string | undefined;
  /** From `createLink`. */
  readonly link?: string | undefined;
  readonly ageConfirmed?: boolean | undefined;
}

/**
 * Log-in through another provider. The browser is sent there with a state that its cookie is tied to, so that nobody can
 * finish in somebody's browser what they began in their own. It comes back to the application with a code that is good for
 * two minutes, once, and only with the application's own verifier where it has one: no token is ever part of an address.
 */
export interface OauthFlow {
  start(departure: Departure): Promise<{ readonly url: string; readonly cookie: BindingCookie }>;
  /** Where to send the browser back to: the application, with a code or an error. @throws AUTH_TOKEN_INVALID */
  finish(
    projectId: string,
    providerId: string,
    answer: URLSearchParams,
    cookieOf: (name: string) => string | undefined,
  ): Promise<{ readonly url: string; readonly cookieName: string }>;
  /** Turns the code into tokens. @throws AUTH_TOKEN_INVALID */
  exchange(
    projectId: string,
    code: string,
    codeVerifier: string | undefined,
    caller: EndUserCaller,
  ): Promise<SignInResult>;
  /** Lets a user who is logged in set out to a provider, to connect it. */
  createLink(projectId: string, userId: string): Promise<string>;
}

export interface OauthFlowOptions {
  readonly sql: Sql<EndUserTables>;
  /** 32 bytes, the same on every server. */
  readonly key: Uint8Array;
  readonly tokens: OneTimeTokens;
  readonly connections: ProviderConnections;
  readonly users: ProviderUsers;
  readonly signIn: SignIn;
  readonly authUrlOf: (projectId: string) => string;
  readonly log: Logger;
}

const COOKIE_PREFIX = "aerostack_oauth_";

interface AttemptData {
  readonly redirectTo: string;
  readonly codeChallenge?: string;
  readonly linkUserId?: string;
  readonly ageConfirmed?: boolean;
}

export function createOauthFlow(options: OauthFlowOptions): OauthFlow {
  const { sql, key, tokens, connections, users, signIn, authUrlOf, log } = options;
  const attempts = createBrowserAttempts({ key, tokens: tokens.ofRealm, cookiePrefix: COOKIE_PREFIX });

  const wayOf = (projectId: string, providerId: string) => ({
    realm: { project_id: projectId },
    providerId,
    redirectUri: `${authUrlOf(projectId)}/oauth/${providerId}/callback`,
  });

  async function arrive(
    projectId: string,
    providerId: string,
    data: AttemptData,
    answer: URLSearchParams,
    attempt: AuthorizationAttempt,
  ): Promise<Readonly<Record<string, string>>> {
    try {
      const connection = await connections.open(projectId, providerId);
      const profile = await connection.identify(answer, attempt);
      const user = await users.userOf(projectId, providerId, profile, data);
      const code = await tokens.create("oauth-code", {
        projectId,
        userId: user.id,
        data: { codeChallenge: data.codeChallenge, providerId },
      });
      return { code, type: "oauth", provider: providerId };
    } catch (error) {
      return { ...describeFailure(error, log.child({ projectId })), type: "oauth", provider: providerId };
    }
  }

  return {
    async start({ projectId, providerId, redirectTo, codeChallenge, link, ageConfirmed }) {
      const connection = await connections.open(projectId, providerId);
      const linked = link === undefined ? null : await tokens.take(sql.db, "oauth-link", projectId, link);
      const data: AttemptData = {
        redirectTo,
        ...(codeChallenge === undefined ? {} : { codeChallenge }),
        ...(linked?.userId == null ? {} : { linkUserId: linked.userId }),
        ...(ageConfirmed === undefined ? {} : { ageConfirmed }),
      };
      return await attempts.begin(connection, wayOf(projectId, providerId), { ...data });
    },

    async finish(projectId, providerId, answer, cookieOf) {
      const way = wayOf(projectId, providerId);
      const { data: kept, attempt, cookieName } = await attempts.finish(sql.db, way, answer, cookieOf);
      const data = kept as unknown as AttemptData;
      const told = await arrive(projectId, providerId, data, answer, attempt);
      return { url: withParameters(data.redirectTo, told), cookieName };
    },

    async exchange(projectId, code, codeVerifier, caller) {
      const { userId, data } = await tokens.take(sql.db, "oauth-code", projectId, code);
      const challenge = data.codeChallenge;
      if (typeof challenge === "string" && challenge !== challengeOf(codeVerifier ?? "")) {
        throw new AerostackError("AUTH_TOKEN_INVALID", { message: "The code verifier does not belong to this code." });
      }
      const user = userId === null ? undefined : await endUserStore.findById(sql.db, projectId, userId);
      if (user === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      return await signIn.finish(user, ["oauth", String(data.providerId)], caller);
    },

    createLink: (projectId, userId) => tokens.create("oauth-link", { projectId, userId }),
  };
}
