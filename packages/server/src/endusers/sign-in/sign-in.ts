import { AerostackError } from "@aerostack/contracts";
import type { EndUserCaller, EndUserSessions, OpenedEndUserSession } from "../sessions/sessions.ts";
import type { EndUserRow } from "../users/store.ts";

/** Tokens, or what is left to do before there are any. */
export type SignInResult =
  | { readonly kind: "signed-in"; readonly session: OpenedEndUserSession }
  | { readonly kind: "verification-required" };

/** Where every way to log in ends, once it is known who it is. */
export interface SignIn {
  /** @throws AUTH_USER_BLOCKED */
  finish(user: EndUserRow, methods: readonly string[], caller: EndUserCaller): Promise<SignInResult>;
}

export function createSignIn({ sessions }: { readonly sessions: EndUserSessions }): SignIn {
  return {
    async finish(user, methods, caller) {
      if (user.blocked_at !== null) throw new AerostackError("AUTH_USER_BLOCKED");
      return { kind: "signed-in", session: await sessions.open(user, methods, caller) };
    },
  };
}
