import { createHmac } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import { randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { equalsConstantTime, hashToken } from "../../kernel/crypto/token-hash.ts";
import type { Logger } from "../../kernel/log.ts";
import type { OneTimeTokens } from "../one-time-tokens.ts";
import type { Realm } from "../realm.ts";
import { type AuthorizationAttempt, type ProviderConnection, ProviderRefusedError } from "./provider-connection.ts";

/** A cookie that ties an attempt to the browser that began it. */
export interface BindingCookie {
  readonly name: string;
  readonly value: string;
}

/** An attempt whose browser has come back. */
export interface ReturnedAttempt {
  /** As it was given to `begin`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What the provider is asked with. */
  readonly attempt: AuthorizationAttempt;
  /** To be removed. */
  readonly cookieName: string;
}

/**
 * Ways of browsers to another provider and back. The browser is sent there with a state that its cookie is tied to, so that
 * nobody can finish in somebody's browser what they began in their own.
 */
export interface BrowserAttempts {
  /** @param data what is to be known again when the browser is back; JSON */
  begin(
    connection: ProviderConnection,
    way: ProviderWay,
    data: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly url: string; readonly cookie: BindingCookie }>;
  /** Once. @throws AUTH_TOKEN_INVALID for an attempt that is unknown, too old, or of another browser or provider */
  finish<Tables>(
    db: Kysely<Tables>,
    way: ProviderWay,
    answer: URLSearchParams,
    cookieOf: (name: string) => string | undefined,
  ): Promise<ReturnedAttempt>;
}

/** Which provider, and where it sends the browser back to. */
export interface ProviderWay {
  readonly realm: Realm;
  readonly providerId: string;
  readonly redirectUri: string;
}

/** 250 random bits. */
const BINDING_CHARACTERS = 50;
const COOKIE_NAME_CHARACTERS = 12;

export interface BrowserAttemptsOptions {
  /** 32 bytes, the same on every server. */
  readonly key: Uint8Array;
  readonly tokens: OneTimeTokens<"oauth-state">;
  readonly cookiePrefix: string;
}

export function createBrowserAttempts({ key, tokens, cookiePrefix }: BrowserAttemptsOptions): BrowserAttempts {
  const cookieNameOf = (state: string): string => `${cookiePrefix}${hashToken(state).slice(0, COOKIE_NAME_CHARACTERS)}`;

  /** Verifier and nonce follow from the state, so that nothing secret has to be stored for the way back. */
  function attemptOf(redirectUri: string, state: string): AuthorizationAttempt {
    const derive = (what: string): string => createHmac("sha256", key).update(`${what}:${state}`).digest("base64url");
    return { redirectUri, state, codeVerifier: derive("verifier"), nonce: derive("nonce") };
  }

  return {
    async begin(connection, { realm, providerId, redirectUri }, data) {
      const binding = randomText(BINDING_CHARACTERS);
      const kept = { providerId, bindingHash: hashToken(binding), data };
      const state = await tokens.create("oauth-state", { realm, userId: null, data: kept });
      const url = await connection.authorizationUrl(attemptOf(redirectUri, state));
      return { url, cookie: { name: cookieNameOf(state), value: binding } };
    },

    async finish(db, { realm, providerId, redirectUri }, answer, cookieOf) {
      const state = answer.get("state") ?? "";
      const cookieName = cookieNameOf(state);
      const kept = (await tokens.find("oauth-state", realm, state)).data;
      const binding = cookieOf(cookieName) ?? "";
      if (kept.providerId !== providerId || !equalsConstantTime(hashToken(binding), String(kept.bindingHash))) {
        throw new AerostackError("AUTH_TOKEN_INVALID", {
          message: "This log-in was not begun in this browser.",
          fix: "Start again where you began, with cookies allowed.",
        });
      }
      await tokens.take(db, "oauth-state", realm, state);
      const data = kept.data as Readonly<Record<string, unknown>>;
      return { data, attempt: attemptOf(redirectUri, state), cookieName };
    },
  };
}

/**
 * What an application may be told of a failure on the way, and what the log is told: never the one what another server
 * answered.
 */
export function describeFailure(error: unknown, log: Logger): Readonly<Record<string, string>> {
  if (error instanceof ProviderRefusedError) {
    return { error: /^[a-z_]{1,60}$/.test(error.reason) ? error.reason : "access_denied" };
  }
  if (!(error instanceof AerostackError)) {
    log.error({ err: error }, "a log-in through a provider failed");
    return { error: "INTERNAL_ERROR" };
  }
  if (error.cause !== undefined) log.warn({ err: error.cause }, "a provider's answer was not usable");
  return { error: error.code, error_description: error.message };
}
