import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId, randomText } from "@aerostack/kernel";
import type { KnownNetworks } from "../identity/known-networks.ts";
import { currentCallContext } from "../kernel/call-context.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import type { Logger } from "../kernel/log.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { ResolvedCredential } from "../keys/principal.ts";
import type { AccessTokens } from "./access-token.ts";
import { deviceName } from "./device-name.ts";
import type { LogInRecord } from "./log-in-record.ts";
import { type SessionRow, sessionStore } from "./session-store.ts";
import { type AccountRow, accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";

/** What a log-in or refresh hands out. */
export interface OpenedSession {
  readonly token: string;
  readonly refreshToken: string;
  /** Of the access token. */
  readonly expiresAtMs: number;
  readonly account: AccountRow;
}

/** How a session came about, where that matters later. */
export interface SessionOrigin {
  /** The organisation through whose single sign-on it was opened. */
  readonly signOnOrganisationId?: string;
}

export interface Sessions {
  /**
   * @param account as it was when its holder proved to be who they are
   * @throws AUTH_INVALID_CREDENTIALS when it has got another password meanwhile: that one ended all sessions · BLOCKED
   */
  open(account: AccountRow, how?: SessionOrigin): Promise<OpenedSession>;
  /**
   * Turns a refresh token into new tokens. A token that was used before is a sign that somebody holds a copy, so the
   * whole session ends for both.
   *
   * @throws AUTH_TOKEN_INVALID · AUTH_TOKEN_EXPIRED · BLOCKED
   */
  refresh(refreshToken: string): Promise<OpenedSession>;
  /** Ends the session; its access tokens are refused within a second. */
  end(sessionId: string): Promise<void>;
  /** The same by refresh token; an unknown one is no error, because the caller wants it gone. */
  endByRefreshToken(refreshToken: string): Promise<void>;
  /** Who an access token stands for; null when it is not valid or its session has ended. */
  find(accessToken: string): Promise<ResolvedCredential | null>;
  removeExpired(): Promise<void>;
}

/** How long a session lasts. */
export interface SessionLifetimes {
  /** From its last refresh. */
  readonly idleMs: number;
  /** From its log-in, however much it is used. */
  readonly absoluteMs: number;
}

/** When a session ends that is not used any more. */
export function sessionEnd(
  session: Pick<SessionRow, "created_at" | "last_used_at">,
  lifetimes: SessionLifetimes,
): number {
  const { created_at, last_used_at } = session;
  return Math.min((last_used_at ?? created_at) + lifetimes.idleMs, created_at + lifetimes.absoluteMs);
}

/** 250 random bits. */
const REFRESH_TOKEN_CHARACTERS = 50;

export interface SessionsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly accessTokens: AccessTokens;
  readonly knownNetworks: Pick<KnownNetworks, "remember" | "originOf">;
  readonly log: Logger;
  readonly lifetimes: SessionLifetimes;
  /** A refresh token was used twice; its session has ended. Told once for each session. */
  readonly onReuse: (accountId: string) => void;
  /** Somebody logs in to an account that was closed. @throws AUTH_INVALID_CREDENTIALS when it is too late */
  readonly logIns: Pick<LogInRecord, "opened">;
  /** Somebody logged in with a kind of program, or from a network, that the account has not been used with. */
  readonly onNewDevice: (accountId: string) => void;
  readonly reopen: (account: AccountRow) => Promise<void>;
  /** Of an account that the operators keep out. @throws BLOCKED */
  readonly requireUnblocked: (accountId: string) => Promise<void>;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { clock, changes, accessTokens, knownNetworks, log, lifetimes, onReuse, reopen, logIns, onNewDevice } = options;
  const sql = options.sql.withTables<AccountTables>();

  async function handOut(account: AccountRow, sessionId: string, refreshToken: string): Promise<OpenedSession> {
    return { ...(await accessTokens.sign(account.id, sessionId)), refreshToken, account };
  }

  function newRefreshToken(sessionId: string, openedAtMs: number) {
    const now = clock.now();
    const refreshToken = `rt_${randomText(REFRESH_TOKEN_CHARACTERS)}`;
    const row = {
      hash: hashToken(refreshToken),
      session_id: sessionId,
      created_at: now,
      expires_at: sessionEnd({ created_at: openedAtMs, last_used_at: now }, lifetimes),
      used_at: null,
    };
    return { refreshToken, row };
  }

  /** An account's first log-in is from nowhere new. */
  async function isUnknown(accountId: string, device: string, ip: string | null): Promise<boolean> {
    if (await sessionStore.deviceIsNew(sql.db, accountId, device)) return true;
    if (ip === null) return false;
    const { network, known } = await knownNetworks.originOf(accountId, ip);
    return known.length > 0 && network === null;
  }

  /** False when it had ended before. */
  async function end(sessionId: string, reason: string): Promise<boolean> {
    return await changes.commit(sql, [`session:${sessionId}`], (trx) =>
      sessionStore.revoke(trx, sessionId, reason, clock.now()),
    );
  }

  return {
    async open(account, { signOnOrganisationId = null } = {}) {
      await options.requireUnblocked(account.id);
      if (account.closed_at !== null) await reopen(account);
      const now = clock.now();
      const id = createId("ses", now);
      const call = currentCallContext();
      const { refreshToken, row } = newRefreshToken(id, now);
      const device = deviceName(call?.userAgent ?? null);
      const isNew = await isUnknown(account.id, device, call?.ip ?? null);
      await sql.transaction(async (trx) => {
        const current = await accountStore.findById(trx, account.id);
        const isSame = current?.password_hash === account.password_hash && current.closed_at === null;
        if (!isSame) throw new AerostackError("AUTH_INVALID_CREDENTIALS");
        await sessionStore.insert(trx, {
          id,
          account_id: account.id,
          created_at: now,
          revoked_at: null,
          revoke_reason: null,
          device,
          ip: call?.ip ?? null,
          last_used_at: null,
          proven_at: now,
          sign_on_organisation_id: signOnOrganisationId,
        });
        await sessionStore.insertToken(trx, row);
        await knownNetworks.remember(trx, account.id, call?.ip ?? null);
        await logIns.opened(trx, account.id, id);
      });
      if (isNew) onNewDevice(account.id);
      return await handOut(account, id, refreshToken);
    },

    async refresh(sent) {
      const hash = hashToken(sent);
      const token = await sessionStore.findToken(sql.db, hash);
      const session = token === undefined ? undefined : await sessionStore.find(sql.db, token.session_id);
      if (token === undefined || session === undefined || session.revoked_at !== null) throw invalidRefreshToken();
      const isOver = session.created_at + lifetimes.absoluteMs <= clock.now();
      if (isOver || token.expires_at <= clock.now())
        throw new AerostackError("AUTH_TOKEN_EXPIRED", { fix: "Log in again." });
      const account = await accountStore.findById(sql.db, session.account_id);
      if (account === undefined) throw invalidRefreshToken();
      // The token stays good: when the block is lifted, the session goes on.
      await options.requireUnblocked(account.id);
      const next = newRefreshToken(session.id, session.created_at);
      const rotated = await sql.transaction(async (trx) => {
        if (!(await sessionStore.useToken(trx, hash, clock.now()))) return false;
        await sessionStore.insertToken(trx, next.row);
        await sessionStore.markUsed(trx, session.id, currentCallContext()?.ip ?? session.ip, clock.now());
        return true;
      });
      if (!rotated) {
        log.warn(
          { sessionId: session.id, accountId: account.id },
          "a refresh token was used twice; its session was ended",
        );
        if (await end(session.id, "refresh token reused")) onReuse(account.id);
        throw invalidRefreshToken();
      }
      return await handOut(account, session.id, next.refreshToken);
    },

    async end(sessionId) {
      await end(sessionId, "logged out");
    },

    async endByRefreshToken(refreshToken) {
      const token = await sessionStore.findToken(sql.db, hashToken(refreshToken));
      if (token !== undefined) await end(token.session_id, "logged out");
    },

    async find(accessToken) {
      const claims = await accessTokens.verify(accessToken);
      if (claims === null) return null;
      const session = await sessionStore.find(sql.db, claims.sessionId);
      if (session === undefined || session.revoked_at !== null || session.account_id !== claims.accountId) return null;
      const endsAtMs = session.created_at + lifetimes.absoluteMs;
      if (endsAtMs <= clock.now()) return null;
      const account = await accountStore.findById(sql.db, claims.accountId);
      if (account === undefined) return null;
      return {
        principal: {
          kind: "account",
          accountId: account.id,
          isAdmin: account.is_admin === 1,
          via: "session",
          credentialId: session.id,
        },
        expiresAtMs: Math.min(claims.expiresAtMs, endsAtMs),
        subjects: [`session:${session.id}`, `account:${account.id}`],
      };
    },

    async removeExpired() {
      await sql.transaction((trx) => sessionStore.removeExpired(trx, clock.now()));
    },
  };
}

function invalidRefreshToken(): AerostackError {
  return new AerostackError("AUTH_TOKEN_INVALID", { message: "The refresh token is not valid any more." });
}
