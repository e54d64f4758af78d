import type { BegunSecondStep, SecondStep } from "./second-factor/second-step.ts";
import type { OpenedSession, SessionOrigin, Sessions } from "./sessions.ts";
import type { AccountRow } from "./store.ts";

/** Tokens, or what the second step has to be begun with. */
export type LoginResult =
  | { readonly kind: "logged-in"; readonly session: OpenedSession }
  | ({ readonly kind: "mfa-required" } & BegunSecondStep);

/** The end of every log-in by one factor: a session, or the second step where the account has one. */
export type LogInAs = (account: AccountRow, how?: SessionOrigin) => Promise<LoginResult>;

export interface LogInAsOptions {
  readonly sessions: Pick<Sessions, "open">;
  readonly secondStep: Pick<SecondStep, "begin">;
  /** @throws BLOCKED */
  readonly requireUnblocked: (accountId: string) => Promise<void>;
}

export function createLogInAs({ sessions, secondStep, requireUnblocked }: LogInAsOptions): LogInAs {
  return async (account, how = {}) => {
    await requireUnblocked(account.id);
    const begun = await secondStep.begin(account, how);
    if (begun !== null) return { kind: "mfa-required", ...begun };
    return { kind: "logged-in", session: await sessions.open(account, how) };
  };
}
