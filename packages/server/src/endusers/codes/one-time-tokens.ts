import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import {
  createOneTimeTokens as createTokens,
  type TakenToken,
  type TokenKindFacts,
  type OneTimeTokens as Tokens,
} from "../../identity/one-time-tokens.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserTables } from "../tables.ts";

/** Kinds whose tokens travel in links of messages. */
export type MessageTokenKind = "verify-email" | "reset-password" | "magic-link";
export type TokenKind =
  | MessageTokenKind
  | "oauth-state"
  | "oauth-code"
  | "oauth-link"
  | "mfa"
  | "passkey-register"
  | "passkey-login";

/** Random texts that somebody holds who opened their mail; each works once, in its project. Stored as SHA-256. */
export interface OneTimeTokens {
  create(kind: TokenKind, input: NewToken): Promise<string>;
  /** What the token stands for; it stays usable. @throws as `take` */
  find(kind: TokenKind, projectId: string, token: string): Promise<TakenToken>;
  /** The same; it is used up. @throws AUTH_TOKEN_INVALID or AUTH_RESET_TOKEN_INVALID */
  take(db: Kysely<EndUserTables>, kind: TokenKind, projectId: string, token: string): Promise<TakenToken>;
  /** Those of a user that lie unused in a mailbox. */
  removeOf(db: Kysely<EndUserTables>, userId: string, kind: TokenKind): Promise<void>;
  removeExpired(): Promise<void>;
  /** The same for what takes a realm. */
  readonly ofRealm: Tokens<TokenKind>;
}

export interface NewToken {
  readonly projectId: string;
  readonly userId: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
}

const MINUTE_MS = 60_000;

export const TOKEN_KINDS: Readonly<Record<TokenKind, TokenKindFacts>> = {
  "verify-email": { prefix: "ev", lifetimeMs: 24 * 60 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "reset-password": { prefix: "pr", lifetimeMs: 60 * MINUTE_MS, error: "AUTH_RESET_TOKEN_INVALID" },
  "oauth-state": { prefix: "os", lifetimeMs: 10 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "oauth-code": { prefix: "oc", lifetimeMs: 2 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "oauth-link": { prefix: "ol", lifetimeMs: 5 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  mfa: { prefix: "mf", lifetimeMs: 5 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "passkey-register": { prefix: "kr", lifetimeMs: 5 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "passkey-login": { prefix: "kl", lifetimeMs: 5 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
  "magic-link": { prefix: "ml", lifetimeMs: 15 * MINUTE_MS, error: "AUTH_TOKEN_INVALID" },
};

export function createOneTimeTokens({
  sql,
  clock,
}: {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
}): OneTimeTokens {
  const tokens = createTokens({ sql: sql.withTables<unknown>(), clock, table: "end_user_tokens", kinds: TOKEN_KINDS });
  const realmOf = (projectId: string) => ({ project_id: projectId });
  return {
    create: (kind, { projectId, ...rest }) => tokens.create(kind, { realm: realmOf(projectId), ...rest }),
    find: (kind, projectId, token) => tokens.find(kind, realmOf(projectId), token),
    take: (db, kind, projectId, token) => tokens.take(db, kind, realmOf(projectId), token),
    removeOf: tokens.removeOf,
    removeExpired: tokens.removeExpired,
    ofRealm: tokens,
  };
}
