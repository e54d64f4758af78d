import { createHmac } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import { randomText } from "@aerostack/kernel";
import { challengeOf } from "../../identity/oauth/oidc-connection.ts";
import { type AuthorizationAttempt, ProviderRefusedError } from "../../identity/oauth/provider-connection.ts";
import { equalsConstantTime, hashToken } from "../../kernel/crypto/token-hash.ts";
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

/** A cookie that ties an attempt to the browser that began it. */
export interface BindingCookie {
  readonly name: string;
  readonly value: string;
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

/** 250 random bits. */
const BINDING_CHARACTERS = 50;
const COOKIE_PREFIX = "aerostack_oauth_";
const COOKIE_NAME_CHARACTERS = 12;

interface StateData {
  readonly providerId: string;
  readonly redirectTo: string;
  readonly bindingHash: string;
  readonly codeChallenge?: string;
  readonly linkUserId?: string;
  readonly ageConfirmed?: boolean;
}

export function createOauthFlow(options: OauthFlowOptions): OauthFlow {
  const { sql, key, tokens, connections, users, signIn, authUrlOf, log } = options;

  /** Verifier and nonce follow from the state, so that nothing secret has to be stored for the way back. */
  function attemptOf(projectId: string, providerId: string, state: string): AuthorizationAttempt {
    const derive = (what: string): string => createHmac("sha256", key).update(`${what}:${state}`).digest("base64url");
    return {
      redirectUri: `${authUrlOf(projectId)}/oauth/${providerId}/callback`,
      state,
      codeVerifier: derive("verifier"),
      nonce: derive("nonce"),
    };
  }

  async function arrive(
    projectId: string,
    data: StateData,
    state: string,
    answer: URLSearchParams,
  ): Promise<Readonly<Record<string, string>>> {
    try {
      const connection = await connections.open(projectId, data.providerId);
      const profile = await connection.identify(answer, attemptOf(projectId, data.providerId, state));
      const user = await users.userOf(projectId, data.providerId, profile, data);
      const code = await tokens.create("oauth-code", {
        projectId,
        userId: user.id,
        data: { codeChallenge: data.codeChallenge, providerId: data.providerId },
      });
      return { code, type: "oauth", provider: data.providerId };
    } catch (error) {
      return { ...describe(error, projectId), type: "oauth", provider: data.providerId };
    }
  }

  /** What the application is told of a failure: never what another server answered. */
  function describe(error: unknown, projectId: string): Readonly<Record<string, string>> {
    if (error instanceof ProviderRefusedError) {
      return { error: /^[a-z_]{1,60}$/.test(error.reason) ? error.reason : "access_denied" };
    }
    if (!(error instanceof AerostackError)) {
      log.error({ err: error, projectId }, "a log-in through a provider failed");
      return { error: "INTERNAL_ERROR" };
    }
    if (error.cause !== undefined) log.warn({ err: error.cause, projectId }, "a provider's answer was not usable");
    return { error: error.code, error_description: error.message };
  }

  return {
    async start({ projectId, providerId, redirectTo, codeChallenge, link, ageConfirmed }) {
      const connection = await connections.open(projectId, providerId);
      const binding = randomText(BINDING_CHARACTERS);
      const linked = link === undefined ? null : await tokens.take(sql.db, "oauth-link", projectId, link);
      const data: StateData = {
        providerId,
        redirectTo,
        bindingHash: hashToken(binding),
        ...(codeChallenge === undefined ? {} : { codeChallenge }),
        ...(linked?.userId == null ? {} : { linkUserId: linked.userId }),
        ...(ageConfirmed === undefined ? {} : { ageConfirmed }),
      };
      const state = await tokens.create("oauth-state", { projectId, userId: null, data: { ...data } });
      const url = await connection.authorizationUrl(attemptOf(projectId, providerId, state));
      return { url, cookie: { name: cookieNameOf(state), value: binding } };
    },

    async finish(projectId, providerId, answer, cookieOf) {
      const state = answer.get("state") ?? "";
      const cookieName = cookieNameOf(state);
      const data = (await tokens.find("oauth-state", projectId, state)).data as unknown as StateData;
      const binding = cookieOf(cookieName) ?? "";
      if (data.providerId !== providerId || !equalsConstantTime(hashToken(binding), data.bindingHash)) {
        throw new AerostackError("AUTH_TOKEN_INVALID", {
          message: "This log-in was not begun in this browser.",
          fix: "Start again from the application, with cookies allowed.",
        });
      }
      await tokens.take(sql.db, "oauth-state", projectId, state);
      return { url: withParameters(data.redirectTo, await arrive(projectId, data, state, answer)), cookieName };
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

function cookieNameOf(state: string): string {
  return `${COOKIE_PREFIX}${hashToken(state).slice(0, COOKIE_NAME_CHARACTERS)}`;
}
