import type { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { EndUserTables } from "../tables.ts";
import { endUserStore } from "../users/store.ts";
import type { EndUserAccessTokens } from "./access-tokens.ts";
import { sessionSubject, userSubject } from "./sessions.ts";
import { endUserSessionStore } from "./store.ts";

/** Who an access token stands for. */
export interface VerifiedEndUser {
  readonly projectId: string;
  readonly userId: string;
  readonly sessionId: string;
  /** Null for users who came by phone or anonymously. */
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly isAnonymous: boolean;
  /** When the token ends. */
  readonly expiresAtMs: number;
  /** All that the token says, the project's own claims among it. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * The user of an access token of this project; null when it is not valid, has expired, its session has ended or the user
 * is blocked or gone. In memory after the first check; what ends a token is known within a second on every server.
 *
 * @throws SERVICE_UNAVAILABLE when the database does not answer and nothing fresh is known · BLOCKED
 */
export type VerifyEndUserToken = (
  projectId: string,
  token: string,
) => VerifiedEndUser | null | Promise<VerifiedEndUser | null>;

export interface TokenVerifierOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly accessTokens: EndUserAccessTokens;
  readonly settings: SettingsReader;
  /** What keeps a user out. */
  readonly refusalOf: (userId: string) => AerostackError | null | Promise<AerostackError | null>;
}

const MAX_TOKEN_CHARACTERS = 8_000;

export function createTokenVerifier(options: TokenVerifierOptions): VerifyEndUserToken {
  const { sql, clock, changes, accessTokens, settings, refusalOf } = options;
  const lookup = createCachedLookup<VerifiedEndUser>({
    clock,
    changes,
    async find(key) {
      const space = key.indexOf(" ");
      const projectId = key.slice(0, space);
      const { jwt } = await settings.of(projectId);
      const claims = await accessTokens.verify(projectId, jwt.audience ?? projectId, key.slice(space + 1));
      if (typeof claims === "string") return null;
      const session = await endUserSessionStore.find(sql.db, projectId, claims.sessionId);
      if (session === undefined || session.revoked_at !== null || session.user_id !== claims.userId) return null;
      const user = await endUserStore.findById(sql.db, projectId, claims.userId);
      if (user === undefined || user.blocked_at !== null) return null;
      return {
        value: {
          projectId,
          userId: user.id,
          sessionId: session.id,
          email: user.email,
          emailVerified: user.email_verified_at !== null,
          name: user.name,
          isAnonymous: user.is_anonymous === 1,
          expiresAtMs: claims.expiresAtMs,
          claims: claims.payload,
        },
        expiresAtMs: claims.expiresAtMs,
        subjects: [sessionSubject(session.id), userSubject(user.id), `project:${projectId}`],
      };
    },
  });

  function unlessBlocked(user: VerifiedEndUser | null): VerifiedEndUser | null | Promise<VerifiedEndUser | null> {
    const refused = user === null ? null : refusalOf(user.userId);
    if (refused === null) return user;
    const refuse = (error: AerostackError | null): VerifiedEndUser | null => {
      if (error !== null) throw error;
      return user;
    };
    return refused instanceof Promise ? refused.then(refuse) : refuse(refused);
  }

  return (projectId, token) => {
    // Anything else is a key, or nonsense that needs no look-up.
    if (!token.startsWith("eyJ") || token.length > MAX_TOKEN_CHARACTERS) return null;
    const found = lookup.find(`${projectId} ${token}`);
    return found instanceof Promise ? found.then(unlessBlocked) : unlessBlocked(found);
  };
}
