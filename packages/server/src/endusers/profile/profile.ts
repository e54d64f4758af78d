import { AerostackError, type EndUserProfileRequest } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { END_USER_LIMITS } from "../limits.ts";
import type { PasswordRule } from "../passwords/password-policy.ts";
import type { StoredPasswords } from "../passwords/stored-passwords.ts";
import { userSubject } from "../sessions/sessions.ts";
import { endUserSessionStore } from "../sessions/store.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { EndUserTables } from "../tables.ts";
import type { EraseUser } from "../users/erase-user.ts";
import { signUpStore } from "../users/sign-up-store.ts";
import { type EndUserChange, type EndUserRow, endUserStore } from "../users/store.ts";
import type { Avatars } from "./avatars.ts";
import { changeCustomFields } from "./custom-fields.ts";

/** What users change of themselves. */
export interface Profile {
  /** @throws VALIDATION_ERROR */
  update(projectId: string, userId: string, change: EndUserProfileRequest): Promise<EndUserRow>;
  setAvatar(projectId: string, userId: string, bytes: Uint8Array): Promise<{ user: EndUserRow; imageId: string }>;
  removeAvatar(projectId: string, userId: string): Promise<EndUserRow>;
  /** Ends all other sessions. @throws AUTH_INVALID_CREDENTIALS · AUTH_PASSWORD_WEAK */
  changePassword(
    user: { readonly projectId: string; readonly userId: string; readonly sessionId: string },
    current: string | undefined,
    next: string,
  ): Promise<void>;
  /** Removes the user with everything of theirs. @throws AUTH_INVALID_CREDENTIALS */
  delete(projectId: string, userId: string, password: string | undefined): Promise<void>;
}

export interface ProfileOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly passwords: StoredPasswords;
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly passwordRule: PasswordRule;
  readonly avatars: Avatars;
  readonly eraseUser: EraseUser;
}

export function createProfile(options: ProfileOptions): Profile {
  const { sql, clock, changes, hasher, passwords, limiter, settings, passwordRule, avatars, eraseUser } = options;

  async function require(projectId: string, userId: string): Promise<EndUserRow> {
    const user = await endUserStore.findById(sql.db, projectId, userId);
    if (user === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
    return user;
  }

  async function save(user: EndUserRow, change: EndUserChange): Promise<EndUserRow> {
    const saved = await changes.commit(sql, [userSubject(user.id)], (trx) =>
      endUserStore.update(trx, user.project_id, user.id, { ...change, updated_at: clock.now() }),
    );
    if (saved === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
    return saved;
  }

  async function saveAvatar(user: EndUserRow, url: string | null): Promise<EndUserRow> {
    const saved = await save(user, { avatar_url: url });
    if (user.avatar_url !== url) await avatars.remove(user.project_id, user.id, user.avatar_url);
    return saved;
  }

  /** Somebody who found an open window is not to take the account over. */
  async function requirePassword(user: EndUserRow, password: string | undefined): Promise<void> {
    if (user.password_hash === null) return;
    await requireAllowed(
      limiter,
      `end-users:${user.project_id}:password:${user.id}`,
      END_USER_LIMITS.currentPasswordPerUser,
    );
    const { valid } = await passwords.verify(password ?? "", user.password_hash);
    if (valid) return;
    throw new AerostackError("AUTH_INVALID_CREDENTIALS", { message: "The current password is wrong." });
  }

  return {
    async update(projectId, userId, { name, avatar_url, avatarUrl, avatar_image_id, customFields }) {
      const { customFields: definitions } = await settings.of(projectId);
      let user = await require(projectId, userId);
      const url =
        avatar_image_id === undefined
          ? (avatar_url ?? avatarUrl)
          : await avatars.urlOf(projectId, userId, avatar_image_id);
      if (avatar_image_id !== undefined && url === null) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: "There is no such picture of this user.",
          details: { fieldErrors: { avatar_image_id: ["is not known"] } },
        });
      }
      user = await save(user, {
        ...(name === undefined ? {} : { name }),
        ...(customFields === undefined
          ? {}
          : {
              custom_fields: JSON.stringify(
                changeCustomFields(JSON.parse(user.custom_fields), customFields, definitions, "user"),
              ),
            }),
      });
      const removesAvatar = avatar_url === null || avatarUrl === null;
      if (url !== undefined && url !== null) user = await saveAvatar(user, url);
      else if (removesAvatar) user = await saveAvatar(user, null);
      return user;
    },

    async setAvatar(projectId, userId, bytes) {
      const user = await require(projectId, userId);
      const { imageId, url } = await avatars.upload(projectId, userId, bytes);
      return { user: await saveAvatar(user, url), imageId };
    },

    removeAvatar: async (projectId, userId) => await saveAvatar(await require(projectId, userId), null),

    async changePassword({ projectId, userId, sessionId }, current, next) {
      const user = await require(projectId, userId);
      await requirePassword(user, current);
      await passwordRule.require(projectId, next, user, "newPassword");
      const password_hash = await hasher.hash(next);
      const now = clock.now();
      await changes.commit(sql, [userSubject(userId)], async (trx) => {
        await endUserSessionStore.revokeOthers(trx, userId, sessionId, "password changed", now);
        await signUpStore.forget(trx, userId);
        await endUserStore.update(trx, projectId, userId, { password_hash, updated_at: now });
      });
    },

    async delete(projectId, userId, password) {
      const user = await require(projectId, userId);
      await requirePassword(user, password);
      await eraseUser(user);
    },
  };
}
