import { AerostackError, type CustomFields } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import { limitKeyOfAddress } from "../../kernel/limiter/address-key.ts";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import { isUniqueViolation, type Sql } from "../../kernel/sql/index.ts";
import type { EndUserHooks } from "../hooks/hooks.ts";
import { END_USER_LIMITS } from "../limits.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import type { PasswordRule } from "../passwords/password-policy.ts";
import { changeCustomFields } from "../profile/custom-fields.ts";
import { type EndUserCaller, userSubject } from "../sessions/sessions.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showEndUser } from "../show-user.ts";
import type { SignIn, SignInResult } from "../sign-in/sign-in.ts";
import { requireAge, requireOpenSignUp } from "../sign-in/sign-up-rules.ts";
import type { EndUserTables } from "../tables.ts";
import { newEndUser } from "../users/new-user.ts";
import { endUserStore } from "../users/store.ts";
import type { EmailVerification } from "../verification/email-verification.ts";

export interface NewAnonymousUser {
  readonly customFields?: CustomFields | undefined;
  readonly ageConfirmed?: boolean | undefined;
}

export interface Upgrade {
  /** Normalised. */
  readonly email: string;
  readonly password: string;
  readonly name?: string | undefined;
}

/** Users of whom nothing is known yet. What is theirs stays theirs when they say who they are. */
export interface AnonymousUsers {
  /** @throws AUTH_METHOD_DISABLED · FORBIDDEN where sign-up is closed */
  create(projectId: string, input: NewAnonymousUser, caller: EndUserCaller): Promise<SignInResult>;
  /**
   * Gives an anonymous user an address and a password. Where the project asks for confirmed addresses, the link that is
   * sent does so.
   *
   * @throws AUTH_USER_EXISTS · AUTH_PASSWORD_WEAK · CONFLICT for who is not anonymous
   */
  upgrade(projectId: string, userId: string, input: Upgrade, caller: EndUserCaller): Promise<SignInResult>;
}

export interface AnonymousUsersOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly passwordRule: PasswordRule;
  readonly signIn: SignIn;
  readonly verification: EmailVerification;
  readonly messages: EndUserMessages;
  readonly hooks: EndUserHooks;
}

export function createAnonymousUsers(options: AnonymousUsersOptions): AnonymousUsers {
  const { sql, clock, changes, hasher, limiter, settings, passwordRule, signIn, verification, messages, hooks } =
    options;
  return {
    async create(projectId, { customFields, ageConfirmed }, caller) {
      const address = limitKeyOfAddress(caller.ip);
      await requireAllowed(
        limiter,
        `end-users:${projectId}:register:address:${address}`,
        END_USER_LIMITS.registerPerAddress,
      );
      const rules = await settings.of(projectId);
      if (!rules.anonymous.enabled) throw new AerostackError("AUTH_METHOD_DISABLED");
      requireOpenSignUp(rules);
      requireAge(ageConfirmed, rules);
      const fields = changeCustomFields({}, customFields ?? {}, rules.customFields, "user");
      await hooks.beforeRegister(projectId, { method: "anonymous", customFields: fields, ...caller });
      const user = newEndUser(projectId, clock.now(), { is_anonymous: 1, custom_fields: JSON.stringify(fields) });
      await endUserStore.insert(sql.db, user);
      hooks.afterRegister(projectId, { method: "anonymous", user: showEndUser(user) });
      return await signIn.finish(user, ["anonymous"], caller);
    },

    async upgrade(projectId, userId, { email, password, name }, caller) {
      const user = await endUserStore.findById(sql.db, projectId, userId);
      if (user === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      if (user.is_anonymous === 0) throw notAnonymous();
      const rules = await settings.of(projectId);
      await passwordRule.require(projectId, password, { email, name: name ?? user.name }, "password");
      const password_hash = await hasher.hash(password);
      const signUp = { ...user, name: name ?? user.name, password_hash };
      if (rules.requireEmailVerification) {
        messages.inBackground("confirming an address", () => verification.sendForNewAddress(user, email, signUp));
        return { kind: "verification-required" };
      }
      const upgraded = await changes
        .commit(sql, [userSubject(userId)], async (trx) => {
          if ((await endUserStore.findByEmail(trx, projectId, email)) !== undefined) {
            throw new AerostackError("AUTH_USER_EXISTS");
          }
          const change = { email, password_hash, name: signUp.name, is_anonymous: 0, updated_at: clock.now() };
          return await endUserStore.update(trx, projectId, userId, change);
        })
        .catch((error: unknown) => {
          throw isUniqueViolation(error) ? new AerostackError("AUTH_USER_EXISTS") : error;
        });
      if (upgraded === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      messages.inBackground("confirming an address", () => verification.send(upgraded));
      return await signIn.finish(upgraded, ["pwd"], caller);
    },
  };
}

function notAnonymous(): AerostackError {
  return new AerostackError("CONFLICT", {
    message: "This user is not anonymous.",
    fix: "Change address or password of a user who has them by /me/email and /me/password.",
  });
}
