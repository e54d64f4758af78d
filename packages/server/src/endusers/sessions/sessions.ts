import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { KnownNetworks } from "../../identity/known-networks.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Logger } from "../../kernel/log.ts";
import { type Sql, toStorableText } from "../../kernel/sql/index.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { EndUserTables } from "../tables.ts";
import { type EndUserRow, endUserStore } from "../users/store.ts";
import type { EndUserAccessTokens } from "./access-tokens.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";
import { type EndUserSessionRow, endUserSessionStore } from "./store.ts";

/** Where a request came from, as a session remembers it. */
export interface EndUserCaller {
  readonly ip: string;
  readonly userAgent: string | null;
}

/** What a finished log-in or a refresh hands out. */
export interface OpenedEndUserSession {
  readonly token: string;
  /** Of the access token. */
  readonly expiresAtMs: number;
  readonly refreshToken: string;
  readonly sessionId: string;
  readonly user: EndUserRow;
}

/** Claims that a project adds to access tokens; refusing is an error. */
export type ClaimsOf = (projectId: string, user: EndUserRow) => Promise<Readonly<Record<string, unknown>>>;

export interface EndUserSessions {
  open(user: EndUserRow, methods: readonly string[], caller: EndUserCaller): Promise<OpenedEndUserSession>;
  /**
   * Turns a refresh token into new tokens. One that was used before is a sign that somebody holds a copy, so its whole
   * session ends, for both: there is no grace for an answer that was lost, because nothing tells the client that lost it
   * from a thief who was faster.
   *
   * @throws AUTH_TOKEN_INVALID · AUTH_TOKEN_EXPIRED
   */
  refresh(projectId: string, refreshToken: string): Promise<OpenedEndUserSession>;
  list(userId: string): Promise<readonly EndUserSessionRow[]>;
  /** Its access tokens are refused within a second. */
  end(sessionId: string): Promise<void>;
  /** @throws NOT_FOUND for a session of somebody else as for none */
  endOne(projectId: string, userId: string, sessionId: string): Promise<void>;
  /** The same by refresh token; an unknown one is no error, because the caller wants it gone. */
  endByRefreshToken(projectId: string, refreshToken: string): Promise<void>;
  endAllOf(userId: string, reason: string): Promise<void>;
  removeExpired(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;
const MAX_USER_AGENT_CHARACTERS = 200;
const MAX_LISTED = 100;

export interface EndUserSessionsOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly accessTokens: EndUserAccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly knownNetworks: Pick<KnownNetworks, "remember">;
  readonly settings: SettingsReader;
  readonly claimsOf: ClaimsOf;
  /** @throws BLOCKED */
  readonly requireUnblocked: (userId: string) => Promise<void>;
  readonly log: Logger;
}

export function createEndUserSessions(options: EndUserSessionsOptions): EndUserSessions {
  const { sql, clock, changes, accessTokens, refreshTokens, knownNetworks, settings, log } = options;

  async function sign(user: EndUserRow, sessionId: string, methods: readonly string[]) {
    const { jwt } = await settings.of(user.project_id);
    return await accessTokens.sign({
      projectId: user.project_id,
      user,
      sessionId,
      methods,
      lifetimeSeconds: jwt.accessTokenSeconds,
      audience: jwt.audience ?? user.project_id,
      extra: await options.claimsOf(user.project_id, user),
    });
  }

  async function expiryOf(projectId: string): Promise<number> {
    return clock.now() + (await settings.of(projectId)).jwt.refreshTokenDays * DAY_MS;
  }

  async function end(sessionId: string, reason: string): Promise<void> {
    await changes.commit(sql, [sessionSubject(sessionId)], (trx) =>
      endUserSessionStore.revoke(trx, sessionId, reason, clock.now()),
    );
  }

  async function endReused(session: EndUserSessionRow): Promise<never> {
    log.warn(
      { sessionId: session.id, userId: session.user_id, projectId: session.project_id },
      "a refresh token was used twice; its session was ended",
    );
    await end(session.id, "refresh token reused");
    throw invalidRefreshToken();
  }

  return {
    async open(user, methods, { ip, userAgent }) {
      const now = clock.now();
      const id = createId("ses", now);
      const refresh = refreshTokens.create(id);
      // Signed first: a project that refuses the log-in leaves no session behind.
      const { token, expiresAtMs } = await sign(user, id, methods);
      const expires_at = await expiryOf(user.project_id);
      const current = await sql.transaction(async (trx) => {
        const row = await endUserStore.update(trx, user.project_id, user.id, { last_sign_in_at: now });
        if (row === undefined || row.blocked_at !== null) return row;
        await endUserSessionStore.insert(trx, {
          id,
          project_id: user.project_id,
          user_id: user.id,
          refresh_hash: refresh.hash,
          created_at: now,
          last_used_at: now,
          expires_at,
          ip,
          user_agent: userAgent === null ? null : toStorableText(userAgent.slice(0, MAX_USER_AGENT_CHARACTERS)),
          methods: methods.join(" "),
          revoked_at: null,
          revoke_reason: null,
        });
        await knownNetworks.remember(trx, user.id, ip);
        return row;
      });
      if (current === undefined) throw new AerostackError("AUTH_INVALID_CREDENTIALS");
      if (current.blocked_at !== null) throw new AerostackError("AUTH_USER_BLOCKED");
      return { token, expiresAtMs, refreshToken: refresh.token, sessionId: id, user: current };
    },

    async refresh(projectId, refreshToken) {
      const sent = refreshTokens.read(refreshToken);
      const session = sent === null ? undefined : await endUserSessionStore.find(sql.db, projectId, sent.sessionId);
      if (sent === null || session === undefined || session.revoked_at !== null) throw invalidRefreshToken();
      const now = clock.now();
      if (sent.hash !== session.refresh_hash) return await endReused(session);
      if (session.expires_at <= now) throw new AerostackError("AUTH_TOKEN_EXPIRED", { fix: "Log in again." });
      const user = await endUserStore.findById(sql.db, projectId, session.user_id);
      if (user === undefined || user.blocked_at !== null) throw invalidRefreshToken();
      await options.requireUnblocked(user.id);
      const { token, expiresAtMs } = await sign(user, session.id, session.methods.split(" "));
      const next = refreshTokens.create(session.id);
      const expiry = await expiryOf(projectId);
      const change = { from: sent.hash, to: next.hash, nowMs: now, expiresAtMs: expiry };
      if (!(await endUserSessionStore.rotate(sql.db, session.id, change))) return await endReused(session);
      return { token, expiresAtMs, refreshToken: next.token, sessionId: session.id, user };
    },

    list: (userId) => endUserSessionStore.listActive(sql.db, userId, clock.now(), MAX_LISTED),
    end: (sessionId) => end(sessionId, "logged out"),

    async endOne(projectId, userId, sessionId) {
      const session = await endUserSessionStore.find(sql.db, projectId, sessionId);
      if (session?.user_id !== userId) throw new AerostackError("NOT_FOUND", { message: "There is no such session." });
      await end(sessionId, "ended by its user");
    },

    async endByRefreshToken(projectId, refreshToken) {
      const sent = refreshTokens.read(refreshToken);
      const session = sent === null ? undefined : await endUserSessionStore.find(sql.db, projectId, sent.sessionId);
      if (session !== undefined) await end(session.id, "logged out");
    },

    async endAllOf(userId, reason) {
      await changes.commit(sql, [userSubject(userId)], (trx) =>
        endUserSessionStore.revokeAllOfUser(trx, userId, reason, clock.now()),
      );
    },

    removeExpired: () => endUserSessionStore.removeExpired(sql.db, clock.now()),
  };
}

/** What the change feed calls a session and a user; whoever remembers either is told by these. */
export function sessionSubject(sessionId: string): string {
  return `end-user-session:${sessionId}`;
}

export function userSubject(userId: string): string {
  return `end-user:${userId}`;
}

function invalidRefreshToken(): AerostackError {
  return new AerostackError("AUTH_TOKEN_INVALID", { message: "The refresh token is not valid any more." });
}
