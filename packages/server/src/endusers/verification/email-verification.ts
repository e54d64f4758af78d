import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { isUniqueViolation, type Sql } from "../../kernel/sql/index.ts";
import { type OneTimeTokens, TOKEN_KINDS } from "../codes/one-time-tokens.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import type { MessageLinks } from "../messages/message-links.ts";
import { userSubject } from "../sessions/sessions.ts";
import type { EndUserTables } from "../tables.ts";
import { forgetWaysIn } from "../users/forget-ways-in.ts";
import { signUpStore } from "../users/sign-up-store.ts";
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
  /**
   * Sends the link that makes an address the user's, to that address. Where it is somebody's already, they are told so
   * instead; whoever asked learns nothing.
   */
  sendForNewAddress(user: EndUserRow, email: string, signUp: PendingSignUp | null, redirectTo?: string): Promise<void>;
  /** @throws AUTH_TOKEN_INVALID · AUTH_USER_EXISTS when a new address has become somebody else's meanwhile */
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

  async function sendLink(
    { project_id: projectId, id: userId }: EndUserRow,
    email: string,
    data: LinkData,
    redirectTo?: string,
  ): Promise<void> {
    const token = await tokens.create("verify-email", { projectId, userId, data: { ...data, email } });
    const link = await links.to("verify-email", projectId, token, redirectTo);
    await messages.send({ projectId, kind: "verify-email", to: email, link, usefulForMs });
  }

  return {
    async send(user) {
      if (user.email !== null) await sendLink(user, user.email, {});
    },
    async sendForExisting(user, signUp) {
      if (user.email === null) return;
      if (user.email_verified_at === null) return await sendLink(user, user.email, { signUp: pick(signUp) });
      await messages.send({ projectId: user.project_id, kind: "account-exists", to: user.email, usefulForMs });
    },
    async sendForNewAddress(user, email, signUp, redirectTo) {
      const owner = await endUserStore.findByEmail(sql.db, user.project_id, email);
      if (owner !== undefined && owner.id !== user.id) {
        await messages.send({ projectId: user.project_id, kind: "account-exists", to: email, usefulForMs });
        return;
      }
      const data = { isNew: true, ...(signUp === null ? {} : { signUp: pick(signUp) }) };
      await sendLink(user, email, data, redirectTo);
    },
    async verify(projectId, token) {
      const now = clock.now();
      const { userId, data } = await tokens.find("verify-email", projectId, token);
      const { email, signUp, isNew = false } = data as unknown as LinkData & { readonly email: string };
      const user = userId === null ? undefined : await endUserStore.findById(sql.db, projectId, userId);
      // The link of an address that the user has changed since.
      if (user === undefined || (!isNew && user.email !== email)) throw new AerostackError("AUTH_TOKEN_INVALID");
      const isFirst = user.email_verified_at === null;
      const appliesSignUp = isFirst && signUp !== undefined;
      const change: EndUserChange = {
        email,
        email_verified_at: isNew ? now : (user.email_verified_at ?? now),
        is_anonymous: 0,
        updated_at: now,
        ...(appliesSignUp ? signUp : {}),
      };
      const verified = await changes
        .commit(sql, [userSubject(user.id)], async (trx) => {
          await tokens.take(trx, "verify-email", projectId, token);
          // An anonymous user's own sign-up: the session is theirs.
          if (appliesSignUp && !isNew) {
            await forgetWaysIn(trx, user.id, now);
          }
          await signUpStore.forget(trx, user.id);
          await tokens.removeOf(trx, user.id, "verify-email");
          await tokens.removeOf(trx, user.id, "reset-password");
          return await endUserStore.update(trx, projectId, user.id, change);
        })
        .catch((error: unknown) => {
          throw isUniqueViolation(error) ? new AerostackError("AUTH_USER_EXISTS") : error;
        });
      if (verified === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      return verified;
    },
  };
}

/** What a link carries beside its address. */
interface LinkData {
  readonly signUp?: PendingSignUp;
  /** The address is not the user's yet. */
  readonly isNew?: boolean;
}

function pick({ name, password_hash, custom_fields, metadata }: PendingSignUp): PendingSignUp {
  return { name, password_hash, custom_fields, metadata };
}
