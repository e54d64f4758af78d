import { AerostackError, type ErrorCode } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { hashToken } from "../../kernel/crypto/token-hash.ts";
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

export interface TakenToken {
  readonly userId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Random texts that somebody holds who opened their mail; each works once. Stored as SHA-256. */
export interface OneTimeTokens {
  create(kind: TokenKind, input: NewToken): Promise<string>;
  /** What the token stands for; it stays usable. @throws as `take` */
  find(kind: TokenKind, projectId: string, token: string): Promise<TakenToken>;
  /** The same; it is used up. @throws AUTH_TOKEN_INVALID or AUTH_RESET_TOKEN_INVALID */
  take(db: Kysely<EndUserTables>, kind: TokenKind, projectId: string, token: string): Promise<TakenToken>;
  /** Those of a user that lie unused in a mailbox. */
  removeOf(db: Kysely<EndUserTables>, userId: string, kind: TokenKind): Promise<void>;
  removeExpired(): Promise<void>;
}

export interface NewToken {
  readonly projectId: string;
  readonly userId: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
}

const MINUTE_MS = 60_000;
/** 250 random bits. */
const RANDOM_CHARACTERS = 50;

interface KindFacts {
  readonly prefix: string;
  readonly lifetimeMs: number;
  readonly error: ErrorCode;
}

export const TOKEN_KINDS: Readonly<Record<TokenKind, KindFacts>> = {
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
  function read(row: EndUserTables["end_user_tokens"] | undefined, kind: TokenKind): TakenToken {
    if (row === undefined || row.expires_at <= clock.now()) {
      throw new AerostackError(TOKEN_KINDS[kind].error, {
        message: "This link is not valid any more.",
        fix: "Ask for a new one; each works once and for a limited time.",
      });
    }
    return { userId: row.user_id, data: JSON.parse(row.data) };
  }

  return {
    async create(kind, { projectId, userId, data = {} }) {
      const now = clock.now();
      const { prefix, lifetimeMs } = TOKEN_KINDS[kind];
      const token = `${prefix}_${randomText(RANDOM_CHARACTERS)}`;
      await sql.db
        .insertInto("end_user_tokens")
        .values({
          hash: hashToken(token),
          project_id: projectId,
          user_id: userId,
          kind,
          data: JSON.stringify(data),
          created_at: now,
          expires_at: now + lifetimeMs,
        })
        .execute();
      return token;
    },

    async find(kind, projectId, token) {
      const row = await sql.db
        .selectFrom("end_user_tokens")
        .selectAll()
        .where("hash", "=", hashToken(token))
        .where("kind", "=", kind)
        .where("project_id", "=", projectId)
        .executeTakeFirst();
      return read(row, kind);
    },

    async take(db, kind, projectId, token) {
      const row = await db
        .deleteFrom("end_user_tokens")
        .where("hash", "=", hashToken(token))
        .where("kind", "=", kind)
        .where("project_id", "=", projectId)
        .returningAll()
        .executeTakeFirst();
      return read(row, kind);
    },

    async removeOf(db, userId, kind) {
      await db.deleteFrom("end_user_tokens").where("user_id", "=", userId).where("kind", "=", kind).execute();
    },

    async removeExpired() {
      await sql.db.deleteFrom("end_user_tokens").where("expires_at", "<=", clock.now()).execute();
    },
  };
}
