import { setTimeout as delay } from "node:timers/promises";
import { AerostackError, type CustomFields } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { KnownNetworks } from "../identity/known-networks.ts";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { EndUserHooks } from "./hooks/hooks.ts";
import { END_USER_LIMITS } from "./limits.ts";
import type { EndUserMessages } from "./messages/end-user-messages.ts";
import type { PasswordRule } from "./passwords/password-policy.ts";
import type { StoredPasswords } from "./passwords/stored-passwords.ts";
import { changeCustomFields, requireCustomFields } from "./profile/custom-fields.ts";
import type { EndUserCaller } from "./sessions/sessions.ts";
import type { SettingsReader } from "./settings/settings.ts";
import { showEndUser } from "./show-user.ts";
import type { SignIn, SignInResult } from "./sign-in/sign-in.ts";
import { requireAge, requireOpenSignUp } from "./sign-in/sign-up-rules.ts";
import type { EndUserTables } from "./tables.ts";
import { newEndUser } from "./users/new-user.ts";
import { signUpStore } from "./users/sign-up-store.ts";
import { endUserStore } from "./users/store.ts";
import type { EmailVerification } from "./verification/email-verification.ts";

/**
 * Responsible for how a project's users sign up and log in by password. Never keeps a password, only its hash. Tells nobody
 * whether an address has a user, but whoever knows the password; a project that does not ask for confirmed addresses also
 * tells who registers it, because it must answer with tokens or without.
 */
export interface EndUserService {
  /** @throws AUTH_PASSWORD_WEAK · AUTH_USER_EXISTS · FORBIDDEN when sign-up is closed or the person too young */
  register(projectId: string, input: NewEndUser, caller: EndUserCaller): Promise<SignInResult>;
  /** @throws AUTH_INVALID_CREDENTIALS, after the same time for an unknown address as for a wrong password */
  login(projectId: string, email: string, password: string, caller: EndUserCaller): Promise<SignInResult>;
}

export interface NewEndUser {
  /** Normalised. */
  readonly email: string;
  readonly password: string;
  readonly name?: string | undefined;
  readonly customFields?: CustomFields | undefined;
  readonly metadata?: CustomFields | undefined;
  /** False: said to be under 16. */
  readonly ageConfirmed?: boolean | undefined;
}

export interface EndUserServiceOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly hasher: PasswordHasher;
  readonly passwords: StoredPasswords;
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly passwordRule: PasswordRule;
  readonly signIn: SignIn;
  readonly verification: EmailVerification;
  readonly messages: EndUserMessages;
  readonly hooks: EndUserHooks;
  /** Attempts from each are counted by themselves. */
  readonly knownNetworks: Pick<KnownNetworks, "originOf">;
  /** A wrong password is refused no sooner. */
  readonly minRefusalMs: number;
}

export const MIN_REFUSAL_MS = 300;

export function createEndUserService(options: EndUserServiceOptions): EndUserService {
  const { sql, clock, hasher, passwords, limiter, settings, signIn, verification, messages, hooks } = options;
  const { knownNetworks, passwordRule, minRefusalMs } = options;

  const limit = (projectId: string, what: string, policy: LimitPolicy) =>
    requireAllowed(limiter, `end-users:${projectId}:${what}`, policy);

  /**
   * Hashes of other systems take another time than ours, which would tell an imported user from an address that nobody has:
   * no refusal comes before a time in which either is done.
   */
  async function refuse(
    startedAt: number,
    code: "AUTH_INVALID_CREDENTIALS" | "AUTH_EMAIL_NOT_VERIFIED" = "AUTH_INVALID_CREDENTIALS",
  ): Promise<never> {
    const leftMs = minRefusalMs - (performance.now() - startedAt);
    if (leftMs > 0) await delay(leftMs);
    throw new AerostackError(code);
  }

  /** Takes its time whether there is a hash or not. */
  async function check(password: string, stored: string | null) {
    if (stored !== null) return await passwords.verify(password, stored);
    await hasher.pretend(password);
    return { valid: false, rehash: false };
  }

  return {
    async register(projectId, input, caller) {
      await limit(projectId, `register:address:${limitKeyOfAddress(caller.ip)}`, END_USER_LIMITS.registerPerAddress);
      const rules = await settings.of(projectId);
      requireOpenSignUp(rules);
      requireAge(input.ageConfirmed, rules);
      await passwordRule.require(projectId, input.password, input, "password");
      requireCustomFields(input.customFields ?? {}, rules.customFields);
      const fields = changeCustomFields({}, input.customFields ?? {}, rules.customFields, "user");
      const { email, name = null } = input;
      await hooks.beforeRegister(projectId, { method: "password", email, name, customFields: fields, ...caller });
      const user = newEndUser(projectId, clock.now(), {
        email: input.email,
        name: input.name ?? null,
        // Hashed before it is known whether the address is free, so that the time does not tell.
        password_hash: await hasher.hash(input.password),
        custom_fields: JSON.stringify(fields),
        metadata: JSON.stringify(input.metadata ?? {}),
      });
      const isNew = await sql.transaction(async (trx) => {
        const inserted = await endUserStore.insert(trx, user);
        if (rules.requireEmailVerification) await signUpStore.note(trx, user, clock.now());
        return inserted;
      });
      if (!isNew && !rules.requireEmailVerification) throw new AerostackError("AUTH_USER_EXISTS");
      if (isNew) hooks.afterRegister(projectId, { method: "password", user: showEndUser(user) });
      messages.inBackground("confirming an address", async () => {
        if (isNew) return await verification.send(user);
        const existing = await endUserStore.findByEmail(sql.db, projectId, input.email);
        if (existing !== undefined) await verification.sendForExisting(existing, user);
      });
      if (rules.requireEmailVerification) return { kind: "verification-required" };
      return await signIn.finish(user, ["pwd"], caller);
    },

    async login(projectId, email, password, caller) {
      await limit(projectId, `login:address:${limitKeyOfAddress(caller.ip)}`, END_USER_LIMITS.loginPerAddress);
      const user = await endUserStore.findByEmail(sql.db, projectId, email);
      const { network } = await knownNetworks.originOf(user?.id ?? null, caller.ip);
      await limit(projectId, `login:email:${email}${network ?? ""}`, END_USER_LIMITS.loginPerEmail);
      const { requireEmailVerification } = await settings.of(projectId);
      const startedAt = performance.now();
      const { valid, rehash } = await check(password, user?.password_hash ?? null);
      const mayEnter = !requireEmailVerification || user?.email_verified_at != null;
      if (user !== undefined && valid && mayEnter) {
        if (rehash) {
          await endUserStore.update(sql.db, projectId, user.id, { password_hash: await hasher.hash(password) });
        }
        return await signIn.finish(user, ["pwd"], caller);
      }
      if (!requireEmailVerification) return await refuse(startedAt);
      // As much work whether the address has a user, was signed up with just now, or both: see `signUpStore`.
      const signedUp = await signUpStore.passwordHashOf(sql.db, user?.id ?? "");
      const { valid: isNewest } = await check(password, signedUp);
      const isWaiting = signedUp === null ? valid : isNewest;
      return await refuse(startedAt, isWaiting ? "AUTH_EMAIL_NOT_VERIFIED" : "AUTH_INVALID_CREDENTIALS");
    },
  };
}
