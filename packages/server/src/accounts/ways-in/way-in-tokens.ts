import type { Clock } from "@aerostack/kernel";
import { createOneTimeTokens, type OneTimeTokens, type TokenKindFacts } from "../../identity/one-time-tokens.ts";
import type { Sql } from "../../kernel/sql/index.ts";

/** A passkey's challenge; `oauth-state` goes to the provider and back; `oauth-code` is what the page gets tokens for. */
export type WayInTokenKind = "passkey-register" | "passkey-login" | "oauth-state" | "oauth-code" | "sign-on-code";
export type WayInTokens = OneTimeTokens<WayInTokenKind>;

const MINUTE_MS = 60_000;

const KINDS: Readonly<Record<WayInTokenKind, TokenKindFacts>> = {
  "passkey-register": { prefix: "aq", lifetimeMs: 5 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "passkey-login": { prefix: "aq", lifetimeMs: 5 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "oauth-state": { prefix: "aw", lifetimeMs: 10 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "sign-on-code": { prefix: "ad", lifetimeMs: 2 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "oauth-code": { prefix: "ac", lifetimeMs: 2 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
};

export function createWayInTokens(sql: Sql<unknown>, clock: Clock): WayInTokens {
  return createOneTimeTokens({ sql, clock, table: "account_way_in_tokens", kinds: KINDS });
}
