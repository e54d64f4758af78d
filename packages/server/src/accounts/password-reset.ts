import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { Background } from "../kernel/background.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Notices } from "../notices/service.ts";
import { accountKeyStore } from "./account-key-store.ts";
import { ACCOUNT_TOKEN_KINDS, type AccountTokens, linkWithToken } from "./account-tokens.ts";
import { happenedNow } from "./happened.ts";
import type { RequireStrongPassword } from "./password-rule.ts";
import { forgetAuthenticator } from "./second-factor/forget-authenticator.ts";
import type { AccountFactorTables } from "./second-factor/tables.ts";
import { sessionStore } from "./session-store.ts";
import { accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";
import { forgetWaysIn } from "./ways-in/forget-ways-in.ts";

/** Sets a new password for whoever can read the mail of an account. */
export interface PasswordReset {
  /** Mails the link where there is an account; the answer and its time are the same where there is none. */
  request(email: string, clientAddress: string): Promise<void>;
  /** Mails the link where there is an account, whoever asked. */
  mailLink(email: string): Promise<void>;
  /** Ends every session. @throws AUTH_RESET_TOKEN_INVALID · AUTH_PASSWORD_WEAK, which leaves the link usable */
  reset(token: string, newPassword: string, clientAddress: string): Promise<void>;
}

const MINUTE_MS = 60_000;
const REQUESTS_PER_EMAIL: LimitPolicy = { limit: 3, windowMs: 15 * MINUTE_MS };
const PER_ADDRESS: LimitPolicy = { limit: 10, windowMs: MINUTE_MS };

export interface PasswordResetOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly notices: Notices;
  readonly background: Background;
  readonly tokens: AccountTokens;
  readonly requireStrongPassword: RequireStrongPassword;
  readonly origin: () => string;
}

export function createPasswordReset(options: PasswordResetOptions): PasswordReset {
  const { clock, changes, hasher, limiter, audit, notices, background, tokens, requireStrongPassword, origin } =
    options;
  const sql = options.sql.withTables<AccountTables>();

  async function mailLink(email: string): Promise<void> {
    const account = await accountStore.findByEmail(sql.db, email);
    if (account === undefined) return;
    const token = await tokens.create("reset-password", { realm: {}, userId: account.id, data: { email } });
    const link = linkWithToken(origin(), "/reset-password", token);
    const minutes = ACCOUNT_TOKEN_KINDS["reset-password"].lifetimeMs / MINUTE_MS;
    await notices.sendMail({ to: email, template: "reset-password", data: { link, minutes } });
  }

  return {
    mailLink,

    async request(email, clientAddress) {
      await requireAllowed(limiter, `password-forgot:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      await requireAllowed(limiter, `password-forgot:email:${email}`, REQUESTS_PER_EMAIL);
      background.run("a request for a new password", () => mailLink(email));
    },

    async reset(token, newPassword, clientAddress) {
      await requireAllowed(limiter, `password-reset:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      const { userId, data } = await tokens.find("reset-password", {}, token);
      const account = userId === null ? undefined : await accountStore.findById(sql.db, userId);
      // The link proves that its holder reads the mail of the address that it went to, and of no other.
      if (account === undefined || account.email !== data.email) throw new AerostackError("AUTH_RESET_TOKEN_INVALID");
      await requireStrongPassword(newPassword, account, "newPassword");
      const passwordHash = await hasher.hash(newPassword);
      const now = clock.now();
      const { id } = account;
      await changes.commit(sql, [`account:${id}`], async (trx) => {
        await tokens.take(trx, "reset-password", {}, token);
        await tokens.removeOf(trx, id, "reset-password");
        // Whoever got past the old password and has yet to show a code has to know the new one.
        await tokens.removeOf(trx, id, "mfa");
        await accountStore.setPasswordHash(trx, id, passwordHash, now);
        if (await accountStore.markEmailVerified(trx, id, now)) {
          // Until now it may have been anybody's who typed the address: of theirs no way in remains.
          await accountKeyStore.revokeAll(trx, id, now);
          await trx.deleteFrom("device_logins").where("account_id", "=", id).execute();
          await forgetWaysIn(trx, id);
          // Nor an authenticator of theirs, which would keep the owner out.
          await forgetAuthenticator(trx, id);
        }
        await trx
          .withTables<AccountFactorTables>()
          .deleteFrom("account_known_networks")
          .where("user_id", "=", id)
          .execute();
        await sessionStore.revokeAll(trx, id, "password reset", now);
        await audit.record(trx, {
          actor: { kind: "account", id },
          action: "account.password_reset",
          target: { kind: "account", id },
        });
      });
      notices.sendInBackground({ accountId: id, template: "password-changed", data: happenedNow(clock) });
    },
  };
}
