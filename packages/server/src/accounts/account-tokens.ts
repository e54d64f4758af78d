import type { Clock } from "@aerostack/kernel";
import { createOneTimeTokens, type OneTimeTokens, type TokenKindFacts } from "../identity/one-time-tokens.ts";
import type { Sql } from "../kernel/sql/index.ts";

/** What a link in a mail to an account may be for; `mfa` is what the second step of a log-in is begun with. */
export type AccountTokenKind =
  | "reopen-account"
  | "reset-password"
  | "verify-email"
  | "change-email"
  | "revoke-email-change"
  | "mfa";
export type AccountTokens = OneTimeTokens<AccountTokenKind>;

const MINUTE_MS = 60_000;

export const ACCOUNT_TOKEN_KINDS: Readonly<Record<AccountTokenKind, TokenKindFacts>> = {
  "verify-email": { prefix: "av", lifetimeMs: 24 * 60 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "reset-password": { prefix: "ap", lifetimeMs: 60 * MINUTE_MS, error: "AUTH_RESET_TOKEN_INVALID" },
  "reopen-account": { prefix: "ao", lifetimeMs: 29 * 24 * 60 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "change-email": { prefix: "ac", lifetimeMs: 24 * 60 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "revoke-email-change": { prefix: "ax", lifetimeMs: 7 * 24 * 60 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  mfa: { prefix: "am", lifetimeMs: 10 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
};

export function createAccountTokens(sql: Sql<unknown>, clock: Clock): AccountTokens {
  return createOneTimeTokens({ sql, clock, table: "account_tokens", kinds: ACCOUNT_TOKEN_KINDS });
}

/** A page of the installation. The token is in the fragment, which browsers send to no server and in no `Referer`. */
export function linkWithToken(origin: string, page: string, token: string): string {
  return `${origin}${page}#token=${token}`;
}
