import type { OpenedSession, Sessions } from "./sessions.ts";
import type { AccountRow } from "./store.ts";

/** Tokens, or what the second step has to be begun with. */
export type LoginResult =
  | { readonly kind: "logged-in"; readonly session: OpenedSession }
  | { readonly kind: "mfa-required"; readonly challengeToken: string };

/** The end of every log-in by one factor: a session, or the second step where the account has one. */
export type LogInAs = (account: AccountRow) => Promise<LoginResult>;

export interface LogInAsOptions {
  readonly sessions: Pick<Sessions, "open">;
  /** What the second step of a log-in is begun with; null for an account that has none. */
  readonly challenge: (account: AccountRow) => Promise<string | null>;
}

export function createLogInAs({ sessions, challenge }: LogInAsOptions): LogInAs {
  return async (account) => {
    const challengeToken = await challenge(account);
    if (challengeToken !== null) return { kind: "mfa-required", challengeToken };
    return { kind: "logged-in", session: await sessions.open(account) };
  };
}
