import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { AccountIdentity } from "../keys/principal.ts";
import type { Notices } from "../notices/service.ts";
import type { AccountTokens } from "./account-tokens.ts";
import { happenedNow } from "./happened.ts";
import type { RequireStrongPassword } from "./password-rule.ts";
import { requireSession } from "./require-session.ts";
import { sessionStore } from "./session-store.ts";
import { accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";

export interface PasswordChange {
  readonly currentPassword: string;
  readonly newPassword: string;
}

/** A session that was left open somewhere is no licence to guess. */
const CHANGES_PER_ACCOUNT: LimitPolicy = { limit: 5, windowMs: 15 * 60_000 };

export interface ChangePasswordOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly notices: Notices;
  readonly tokens: AccountTokens;
  readonly requireStrongPassword: RequireStrongPassword;
}

/**
 * Gives an account another password, ends its sessions but the one that asks, and tells its owner.
 *
 * @throws FORBIDDEN by a key · AUTH_INVALID_CREDENTIALS · AUTH_PASSWORD_WEAK · CONFLICT when it was changed meanwhile
 */
export function createPasswordChanger(options: ChangePasswordOptions) {
  const { clock, changes, hasher, limiter, audit, notices, tokens, requireStrongPassword } = options;
  const sql = options.sql.withTables<AccountTables>();

  return async ({ accountId, via, credentialId }: AccountIdentity, change: PasswordChange): Promise<void> => {
    requireSession(via, "A password is changed");
    await requireAllowed(limiter, `password:account:${accountId}`, CHANGES_PER_ACCOUNT);
    const account = await accountStore.findById(sql.db, accountId);
    if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
    await requireStrongPassword(change.newPassword, account, "newPassword");
    const { valid } = await hasher.verify(change.currentPassword, account.password_hash);
    if (!valid) throw new AerostackError("AUTH_INVALID_CREDENTIALS", { message: "The current password is wrong." });
    const passwordHash = await hasher.hash(change.newPassword);
    const now = clock.now();
    await changes.commit(sql, [`account:${accountId}`], async (trx) => {
      const changed = await accountStore.replacePasswordHash(trx, account, passwordHash, now);
      if (!changed) throw new AerostackError("CONFLICT", { message: "The password was changed meanwhile." });
      await sessionStore.revokeOthers(trx, accountId, credentialId, "password changed", now);
      // Whoever got past the old password and has yet to show a code has to know the new one.
      await tokens.removeOf(trx, accountId, "mfa");
      await audit.record(trx, { action: "account.password_changed", target: { kind: "account", id: accountId } });
    });
    notices.sendInBackground({ accountId, template: "password-changed", data: happenedNow(clock) });
  };
}
