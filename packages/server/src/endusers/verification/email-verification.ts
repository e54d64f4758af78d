import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { type OneTimeTokens, TOKEN_KINDS } from "../codes/one-time-tokens.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import type { MessageLinks } from "../messages/message-links.ts";
import { userSubject } from "../sessions/sessions.ts";
import { endUserSessionStore } from "../sessions/store.ts";
import type { EndUserTables } from "../tables.ts";
import { type EndUserChange, type EndUserRow, endUserStore } from "../users/store.ts";

/** What a sign-up brings that its link confirms. */
export type PendingSignUp = Pick<EndUserRow, "name" | "password_hash" | "custom_fields" | "metadata">;

/** Proves that an e-mail address belongs to whoever signed up with it. */
export interface EmailVerification {
  /** Sends the link that confirms the user's address. */
  send(user: EndUserRow): Promise<void>;
  /**
   * Somebody signed up with an address that has a user. One that is confirmed is told so by mail; for one that is not, the
   * link confirms this sign-up, with its own password: not the one of whoever was here before.
   */
  sendForExisting(user: EndUserRow, signUp: PendingSignUp): Promise<void>;
  /** @throws AUTH_TOKEN_INVALID */
  verify(projectId: string, token: string): Promise<EndUserRow>;
}

export interface EmailVerificationOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly tokens: OneTimeTokens;
  readonly messages: EndUserMessages;
  readonly links: MessageLinks;
}

export function createEmailVerification(options: EmailVerificationOptions): EmailVerification {
  const { sql, clock, changes, tokens, messages, links } = options;
  const usefulForMs = TOKEN_KINDS["verify-email"].lifetimeMs;

  async function sendLink(user: EndUserRow, signUp: PendingSignUp | null): Promise<void> {
    const { project_id: projectId, id: userId, email } = user;
    if (email === null) return;
    const token = await tokens.create("verify-email", { projectId, userId, data: { email, signUp } });
    const link = await links.to("verify-email", projectId, token);
    await messages.send({ projectId, kind: "verify-email", to: email, link, usefulForMs });
  }

  return {
    send: (user) => sendLink(user, null),
    async sendForExisting(user, signUp) {
      if (user.email === null) return;
      if (user.email_verified_at === null) return await sendLink(user, signUp);
      await messages.send({ projectId: user.project_id, kind: "account-exists", to: user.email, usefulForMs });
    },
    async verify(projectId, token) {
      const now = clock.now();
      const { userId, data } = await tokens.find("verify-email", projectId, token);
      const user = userId === null ? undefined : await endUserStore.findById(sql.db, projectId, userId);
      // The link of an address that the user has changed since.
      if (user === undefined || user.email !== data.email) throw new AerostackError("AUTH_TOKEN_INVALID");
      const signUp = data.signUp as PendingSignUp | null;
      const isFirst = user.email_verified_at === null;
      const change: EndUserChange = {
        email_verified_at: user.email_verified_at ?? now,
        updated_at: now,
        ...(isFirst && signUp !== null ? signUp : {}),
      };
      const verified = await changes.commit(sql, [userSubject(user.id)], async (trx) => {
        await tokens.take(trx, "verify-email", projectId, token);
        if (isFirst && signUp !== null) {
          await endUserSessionStore.revokeAllOfUser(trx, user.id, "address proven by its owner", now);
        }
        await tokens.removeOf(trx, user.id, "verify-email");
        return await endUserStore.update(trx, projectId, user.id, change);
      });
      if (verified === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      return verified;
    },
  };
}
