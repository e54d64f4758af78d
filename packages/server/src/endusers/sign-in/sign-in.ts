import { AerostackError, type SecondFactor } from "@aerostack/contracts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { MergeAnonymous } from "../anonymous/merge-anonymous.ts";
import type { OneTimeTokens } from "../codes/one-time-tokens.ts";
import type { EndUserHooks } from "../hooks/hooks.ts";
import type { EndUserCaller, EndUserSessions, OpenedEndUserSession } from "../sessions/sessions.ts";
import { showEndUser } from "../show-user.ts";
import type { EndUserTables } from "../tables.ts";
import type { SecondFactors } from "../totp/second-factor.ts";
import { type EndUserRow, endUserStore } from "../users/store.ts";

/** Tokens, or what is left to do before there are any. */
export type SignInResult =
  | { readonly kind: "signed-in"; readonly session: OpenedEndUserSession }
  | { readonly kind: "verification-required" }
  | { readonly kind: "mfa-required"; readonly mfaToken: string };

/** Where every way to log in ends, once it is known who it is. */
export interface SignIn {
  /**
   * Asks for the second factor of who has one, unless they came by a passkey, which is two.
   *
   * @param anonymousUserId who they were logged in as until now, whose things are handed over
   * @throws AUTH_USER_BLOCKED · BLOCKED · AUTH_REFUSED by the project
   */
  finish(
    user: EndUserRow,
    methods: readonly string[],
    caller: EndUserCaller,
    anonymousUserId?: string,
  ): Promise<SignInResult>;
  /** @throws AUTH_TOKEN_INVALID · AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED */
  verifySecondFactor(
    projectId: string,
    mfaToken: string,
    factor: SecondFactor,
    caller: EndUserCaller,
  ): Promise<SignInResult>;
}

export interface SignInOptions {
  readonly sql: Sql<EndUserTables>;
  readonly sessions: EndUserSessions;
  readonly factors: SecondFactors;
  readonly tokens: OneTimeTokens;
  readonly hooks: EndUserHooks;
  readonly mergeAnonymous: MergeAnonymous;
  /** Of a user whom the operators keep out. @throws BLOCKED */
  readonly requireUnblocked: (userId: string) => Promise<void>;
}

export const PASSKEY_METHOD = "passkey";

export function createSignIn(options: SignInOptions): SignIn {
  const { sql, sessions, factors, tokens, hooks, mergeAnonymous } = options;

  async function open(
    user: EndUserRow,
    methods: readonly string[],
    caller: EndUserCaller,
    anonymousUserId?: string,
  ): Promise<SignInResult> {
    await options.requireUnblocked(user.id);
    if (user.blocked_at !== null) throw new AerostackError("AUTH_USER_BLOCKED");
    await hooks.beforeLogin(user.project_id, { user: showEndUser(user), methods, ...caller });
    await mergeAnonymous(user, anonymousUserId, caller);
    const session = await sessions.open(user, methods, caller);
    hooks.afterLogin(user.project_id, { user: showEndUser(session.user), methods, ...caller });
    return { kind: "signed-in", session };
  }

  return {
    async finish(user, methods, caller, anonymousUserId) {
      await options.requireUnblocked(user.id);
      if (user.blocked_at !== null) throw new AerostackError("AUTH_USER_BLOCKED");
      if (methods.includes(PASSKEY_METHOD) || !(await factors.isActive(user.id))) {
        return await open(user, methods, caller, anonymousUserId);
      }
      const data = { methods: [...methods], ...(anonymousUserId === undefined ? {} : { anonymousUserId }) };
      const mfaToken = await tokens.create("mfa", { projectId: user.project_id, userId: user.id, data });
      return { kind: "mfa-required", mfaToken };
    },

    async verifySecondFactor(projectId, mfaToken, factor, caller) {
      const { userId, data } = await tokens.find("mfa", projectId, mfaToken);
      const user = userId === null ? undefined : await endUserStore.findById(sql.db, projectId, userId);
      if (user === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      // A wrong code leaves the token usable; how many there may be is counted with the user.
      await factors.verify(user.id, factor);
      await tokens.take(sql.db, "mfa", projectId, mfaToken);
      const first = Array.isArray(data.methods) ? data.methods.map(String) : [];
      const anonymousUserId = typeof data.anonymousUserId === "string" ? data.anonymousUserId : undefined;
      const all = [...first, factor.code === undefined ? "recovery" : "totp", "mfa"];
      return await open(user, all, caller, anonymousUserId);
    },
  };
}
