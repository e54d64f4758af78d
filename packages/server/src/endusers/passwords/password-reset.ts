import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { type OneTimeTokens, TOKEN_KINDS } from "../codes/one-time-tokens.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import type { MessageLinks } from "../messages/message-links.ts";
import { userSubject } from "../sessions/sessions.ts";
import { endUserSessionStore } from "../sessions/store.ts";
import type { EndUserTables } from "../tables.ts";
import { forgetWaysIn } from "../users/forget-ways-in.ts";
import { signUpStore } from "../users/sign-up-store.ts";
import { endUserStore } from "../users/store.ts";
import type { PasswordRule } from "./password-policy.ts";

/** Sets a new password for whoever can read the mail of its user. */
export interface PasswordReset {
  /** Sends the link where there is a user; answers alike where there is none. */
  request(projectId: string, email: string, redirectTo: string | undefined): void;
  /** Ends every session of the user. @throws AUTH_RESET_TOKEN_INVALID · AUTH_PASSWORD_WEAK, which leaves the link usable */
  reset(projectId: string, token: string, newPassword: string): Promise<void>;
}

export interface PasswordResetOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly passwordRule: PasswordRule;
  readonly tokens: OneTimeTokens;
  readonly messages: EndUserMessages;
  readonly links: MessageLinks;
}

export function createPasswordReset(options: PasswordResetOptions): PasswordReset {
  const { sql, clock, changes, hasher, passwordRule, tokens, messages, links } = options;
  return {
    request(projectId, email, redirectTo) {
      messages.inBackground("a request for a new password", async () => {
        const user = await endUserStore.findByEmail(sql.db, projectId, email);
        if (user === undefined || user.blocked_at !== null) return;
        const token = await tokens.create("reset-password", { projectId, userId: user.id, data: { email } });
        const link = await links.to("reset-password", projectId, token, redirectTo);
        const usefulForMs = TOKEN_KINDS["reset-password"].lifetimeMs;
        await messages.send({ projectId, kind: "reset-password", to: email, link, usefulForMs });
      });
    },

    async reset(projectId, token, newPassword) {
      const { userId, data } = await tokens.find("reset-password", projectId, token);
      const user = userId === null ? undefined : await endUserStore.findById(sql.db, projectId, userId);
      if (user === undefined || user.email !== data.email) throw new AerostackError("AUTH_RESET_TOKEN_INVALID");
      await passwordRule.require(projectId, newPassword, user, "newPassword");
      const password_hash = await hasher.hash(newPassword);
      const now = clock.now();
      await changes.commit(sql, [userSubject(user.id)], async (trx) => {
        await tokens.take(trx, "reset-password", projectId, token);
        await tokens.removeOf(trx, user.id, "reset-password");
        if (user.email_verified_at === null) await forgetWaysIn(trx, user.id, now);
        await signUpStore.forget(trx, user.id);
        await endUserSessionStore.revokeAllOfUser(trx, user.id, "password reset", now);
        await endUserStore.update(trx, projectId, user.id, {
          password_hash,
          // Whoever opened the link reads the mail of this address.
          email_verified_at: user.email_verified_at ?? now,
          updated_at: now,
        });
      });
    },
  };
}
