import { AerostackError, type CustomFields } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { END_USER_LIMITS } from "./limits.ts";
import { requirePolicy } from "./passwords/password-policy.ts";
import type { EndUserCaller, EndUserSessions, OpenedEndUserSession } from "./sessions/sessions.ts";
import type { SettingsReader } from "./settings/settings.ts";
import type { EndUserTables } from "./tables.ts";
import { newEndUser } from "./users/new-user.ts";
import { type EndUserRow, endUserStore } from "./users/store.ts";

/**
 * Responsible for how a project's users sign up and log in by password. Never keeps a password, only its hash, and never
 * tells whether an address has a user, but to whoever knows the password or registers it.
 */
export interface EndUserService {
  /** @throws AUTH_PASSWORD_WEAK · AUTH_USER_EXISTS · FORBIDDEN when sign-up is closed or the person too young */
  register(projectId: string, input: NewEndUser, caller: EndUserCaller): Promise<SignInResult>;
  /** @throws AUTH_INVALID_CREDENTIALS, after the same time for an unknown address as for a wrong password */
  login(projectId: string, email: string, password: string, caller: EndUserCaller): Promise<SignInResult>;
}

/** Tokens, or what is left to do before there are any. */
export type SignInResult =
  | { readonly kind: "signed-in"; readonly session: OpenedEndUserSession }
  | { readonly kind: "verification-required" };

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
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly sessions: EndUserSessions;
}

export function createEndUserService(options: EndUserServiceOptions): EndUserService {
  const { sql, clock, hasher, limiter, settings, sessions } = options;

  const limit = (projectId: string, what: string, policy: LimitPolicy) =>
    requireAllowed(limiter, `end-users:${projectId}:${what}`, policy);

  async function finish(user: EndUserRow, methods: readonly string[], caller: EndUserCaller): Promise<SignInResult> {
    if (user.blocked_at !== null) throw new AerostackError("AUTH_USER_BLOCKED");
    return { kind: "signed-in", session: await sessions.open(user, methods, caller) };
  }

  return {
    async register(projectId, input, caller) {
      await limit(projectId, `register:address:${limitKeyOfAddress(caller.ip)}`, END_USER_LIMITS.registerPerAddress);
      const { signUp, requireAgeConfirmation, requireEmailVerification, password } = await settings.of(projectId);
      if (signUp === "closed") {
        throw new AerostackError("FORBIDDEN", {
          message: "This application does not take new users.",
          fix: "Ask the people behind it for an invitation.",
        });
      }
      requireAge(input.ageConfirmed, requireAgeConfirmation);
      requirePolicy(input.password, password, "password");
      const user = newEndUser(projectId, clock.now(), {
        email: input.email,
        name: input.name ?? null,
        // Hashed before it is known whether the address is free, so that the time does not tell.
        password_hash: await hasher.hash(input.password),
        custom_fields: JSON.stringify(input.customFields ?? {}),
        metadata: JSON.stringify(input.metadata ?? {}),
      });
      const isNew = await endUserStore.insert(sql.db, user);
      if (requireEmailVerification) return { kind: "verification-required" };
      if (!isNew) throw new AerostackError("AUTH_USER_EXISTS");
      return await finish(user, ["pwd"], caller);
    },

    async login(projectId, email, password, caller) {
      await limit(projectId, `login:address:${limitKeyOfAddress(caller.ip)}`, END_USER_LIMITS.loginPerAddress);
      await limit(projectId, `login:email:${email}`, END_USER_LIMITS.loginPerEmail);
      const { requireEmailVerification } = await settings.of(projectId);
      const user = await endUserStore.findByEmail(sql.db, projectId, email);
      if (user === undefined || user.password_hash === null) {
        await hasher.pretend(password);
        throw new AerostackError("AUTH_INVALID_CREDENTIALS");
      }
      const { valid, rehash } = await hasher.verify(password, user.password_hash);
      if (!valid) throw new AerostackError("AUTH_INVALID_CREDENTIALS");
      if (rehash) {
        await endUserStore.update(sql.db, projectId, user.id, { password_hash: await hasher.hash(password) });
      }
      if (requireEmailVerification && user.email_verified_at === null) {
        throw new AerostackError("AUTH_EMAIL_NOT_VERIFIED");
      }
      return await finish(user, ["pwd"], caller);
    },
  };
}

function requireAge(confirmed: boolean | undefined, isRequired: boolean): void {
  if (confirmed === false) {
    throw new AerostackError("FORBIDDEN", {
      message: "This application is for people of 16 years or older.",
      fix: "Nothing of what was entered has been kept.",
    });
  }
  if (isRequired && confirmed !== true) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: "Say that you are 16 or older.",
      details: { fieldErrors: { ageConfirmed: ["must be true"] } },
    });
  }
}
