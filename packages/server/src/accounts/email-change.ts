import { AerostackError } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { Background } from "../kernel/background.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import { isUniqueViolation, type Sql } from "../kernel/sql/index.ts";
import type { AccountIdentity } from "../keys/principal.ts";
import type { Notices } from "../notices/service.ts";
import { accountKeyStore } from "./account-key-store.ts";
import { ACCOUNT_TOKEN_KINDS, type AccountTokens, linkWithToken } from "./account-tokens.ts";
import { happenedNow } from "./happened.ts";
import { requireSession } from "./require-session.ts";
import { forgetAuthenticator } from "./second-factor/forget-authenticator.ts";
import { sessionStore } from "./session-store.ts";
import { accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";
import { forgetWaysIn } from "./ways-in/forget-ways-in.ts";

/**
 * Gives an account another e-mail address. The new one has to confirm; the old one is told, and can stop the change or take
 * it back for a week: whoever uses somebody's open session gets no account by it.
 */
export interface EmailChange {
  /**
   * Mails both addresses, while the caller goes on. The answer is the same where the new address has an account already.
   *
   * @throws FORBIDDEN by a key · AUTH_INVALID_CREDENTIALS · VALIDATION_ERROR when it is the account's address already
   */
  request(identity: AccountIdentity, change: { readonly newEmail: string; readonly password: string }): Promise<void>;
  /** By the new address. @throws AUTH_TOKEN_INVALID · AUTH_USER_EXISTS when it has got an account meanwhile */
  confirm(token: string, clientAddress: string): Promise<void>;
  /**
   * By the old address, before the change or after: the account has that one again, and whoever was logged in is out. Keys,
   * passkeys, linked log-ins and an authenticator that came since it was asked for are removed, and the owner is told. A link
   * for a new password goes to it; the one that was known counts no more.
   *
   * @throws AUTH_TOKEN_INVALID · AUTH_USER_EXISTS
   */
  revoke(token: string, clientAddress: string): Promise<void>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PER_ADDRESS: LimitPolicy = { limit: 10, windowMs: MINUTE_MS };
const REQUESTS_PER_ACCOUNT: LimitPolicy = { limit: 5, windowMs: 15 * MINUTE_MS };
const UNKNOWN_PASSWORD_CHARACTERS = 50;

export interface EmailChangeOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly notices: Notices;
  readonly background: Background;
  readonly tokens: AccountTokens;
  readonly origin: () => string;
  /** Mails a link for a new password. */
  readonly mailPasswordLink: (email: string) => Promise<void>;
}

export function createEmailChange(options: EmailChangeOptions): EmailChange {
  const { clock, changes, hasher, limiter, audit, notices, background, tokens, origin, mailPasswordLink } = options;
  const sql = options.sql.withTables<AccountTables>();

  async function mailBoth(accountId: string, from: string, to: string): Promise<void> {
    const now = clock.now();
    const stop = await tokens.create("revoke-email-change", {
      realm: {},
      userId: accountId,
      data: { from, to, requestedAt: now },
    });
    await notices.sendMail({
      to: from,
      template: "email-change-requested",
      data: {
        link: linkWithToken(origin(), "/stop-email-change", stop),
        newEmail: to,
        days: ACCOUNT_TOKEN_KINDS["revoke-email-change"].lifetimeMs / (24 * HOUR_MS),
      },
    });
    if ((await accountStore.findByEmail(sql.db, to)) !== undefined) return;
    const confirm = await tokens.create("change-email", { realm: {}, userId: accountId, data: { from, to } });
    const link = linkWithToken(origin(), "/confirm-email-change", confirm);
    const hours = ACCOUNT_TOKEN_KINDS["change-email"].lifetimeMs / HOUR_MS;
    await notices.sendMail({ to, template: "email-change-confirm", data: { link, hours } });
  }

  async function setEmail(trx: typeof sql.db, id: string, from: string, to: string): Promise<void> {
    const changed = await accountStore.replaceEmail(trx, id, from, to, clock.now()).catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error;
      throw new AerostackError("AUTH_USER_EXISTS", { message: "This address has an account of its own by now." });
    });
    if (!changed) throw new AerostackError("AUTH_TOKEN_INVALID", { message: "This link is not valid any more." });
  }

  return {
    async request({ accountId, via }, { newEmail, password }) {
      requireSession(via, "An e-mail address is changed");
      await requireAllowed(limiter, `email-change:account:${accountId}`, REQUESTS_PER_ACCOUNT);
      const account = await accountStore.findById(sql.db, accountId);
      if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      const { valid } = await hasher.verify(password, account.password_hash);
      if (!valid) throw new AerostackError("AUTH_INVALID_CREDENTIALS", { message: "The password is wrong." });
      if (account.email === newEmail) {
        throw new AerostackError("VALIDATION_ERROR", { message: "This is the account's address already." });
      }
      await sql.transaction(async (trx) => {
        await tokens.removeOf(trx, accountId, "change-email");
        // The log keeps no address: it stays when the account is deleted.
        await audit.record(trx, {
          action: "account.email_change_requested",
          target: { kind: "account", id: accountId },
        });
      });
      background.run("mails about a new address", () => mailBoth(accountId, account.email, newEmail));
    },

    async confirm(token, clientAddress) {
      await requireAllowed(limiter, `email-change:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      const { id, from, to } = readChange(await tokens.find("change-email", {}, token));
      await changes.commit(sql, [`account:${id}`], async (trx) => {
        await tokens.take(trx, "change-email", {}, token);
        await setEmail(trx, id, from, to);
        // They lie in a mailbox that is the account's no more.
        for (const kind of ["change-email", "verify-email", "reset-password"] as const) {
          await tokens.removeOf(trx, id, kind);
        }
        await audit.record(trx, {
          actor: { kind: "account", id },
          action: "account.email_changed",
          target: { kind: "account", id },
        });
      });
      const data = { ...happenedNow(clock), oldEmail: from, newEmail: to };
      notices.sendInBackground({ accountId: id, template: "email-changed", data });
    },

    async revoke(token, clientAddress) {
      await requireAllowed(limiter, `email-change:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      const { id, from, requestedAt } = readChange(await tokens.find("revoke-email-change", {}, token));
      const passwordHash = await hasher.hash(randomText(UNKNOWN_PASSWORD_CHARACTERS));
      const now = clock.now();
      const removed = await changes.commit(sql, [`account:${id}`], async (trx) => {
        await tokens.take(trx, "revoke-email-change", {}, token);
        const account = await accountStore.findById(trx, id);
        if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
        // Whatever it was changed to since: a second change takes nobody's right to undo the first.
        if (account.email !== from) await setEmail(trx, id, account.email, from);
        for (const kind of ["change-email", "revoke-email-change", "verify-email", "reset-password", "mfa"] as const) {
          await tokens.removeOf(trx, id, kind);
        }
        // Who asked for the change knew the password and had a session.
        await accountStore.setPasswordHash(trx, id, passwordHash, now);
        const since = {
          sessions: await sessionStore.revokeAll(trx, id, "change of address stopped", now),
          keys: await accountKeyStore.revokeAll(trx, id, now, requestedAt),
          ...(await forgetWaysIn(trx, id, requestedAt)),
          authenticators: (await forgetAuthenticator(trx, id, requestedAt)) ? 1 : 0,
        };
        await trx.deleteFrom("device_logins").where("account_id", "=", id).execute();
        await audit.record(trx, {
          actor: { kind: "account", id },
          action: "account.email_change_revoked",
          target: { kind: "account", id },
          after: since,
        });
        return since;
      });
      notices.sendInBackground({
        accountId: id,
        template: "email-change-stopped",
        data: { ...happenedNow(clock), ...withoutZeros(removed) },
      });
      background.run("a link for a new password", () => mailPasswordLink(from));
    },
  };
}

/** What there was none of is not told. */
function withoutZeros<Name extends string>(counts: Readonly<Record<Name, number>>): Record<Name, number | null> {
  const entries = Object.entries<number>(counts).map(([name, count]) => [name, count === 0 ? null : count]);
  return Object.fromEntries(entries) as Record<Name, number | null>;
}

function readChange({ userId, data }: { userId: string | null; data: Readonly<Record<string, unknown>> }) {
  if (userId === null) throw new AerostackError("AUTH_TOKEN_INVALID");
  return { id: userId, from: String(data.from), to: String(data.to), requestedAt: Number(data.requestedAt) };
}
