import type { SessionResponse, User } from "@aerostack/contracts";
import { toIso } from "../kernel/page.ts";
import type { LoginResult } from "./log-in-as.ts";
import { pictureAddress } from "./pictures/picture-address.ts";
import type { OpenedSession } from "./sessions.ts";
import type { AccountRow } from "./store.ts";

/** An account as interfaces show it. */
export function showUser(account: AccountRow): User {
  return {
    id: account.id,
    email: account.email,
    name: account.name,
    avatarUrl: pictureAddress(account.picture_id),
    isAdmin: account.is_admin === 1,
    emailVerified: account.email_verified_at !== null,
    createdAt: toIso(account.created_at),
  };
}

export function showSession(session: OpenedSession): SessionResponse {
  return {
    token: session.token,
    refreshToken: session.refreshToken,
    expiresAt: toIso(session.expiresAtMs),
    user: showUser(session.account),
  };
}

/** Tokens, or what the second step of the log-in is begun with. */
export function showLogin(result: LoginResult) {
  if (result.kind === "logged-in") return showSession(result.session);
  return { mfaRequired: true as const, challengeToken: result.challengeToken, methods: [...result.methods] };
}
