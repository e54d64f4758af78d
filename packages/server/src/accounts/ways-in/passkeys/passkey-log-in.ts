import { type PasskeyChallenge, unknownPasskey } from "../../../identity/passkeys/passkeys.ts";
import { limitKeyOfAddress } from "../../../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../../kernel/limiter/require-allowed.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import type { AccountTokens } from "../../account-tokens.ts";
import { findBegun } from "../../second-factor/second-step.ts";
import type { OpenedSession, Sessions } from "../../sessions.ts";
import { accountStore } from "../../store.ts";
import type { AccountTables } from "../../tables.ts";
import type { AccountPasskeys } from "./account-passkeys.ts";

export interface PasskeyAnswer {
  readonly challengeToken: string;
  readonly response: unknown;
}

/** Log-in by passkey. The device has verified the person, so that it is two factors and nothing else is asked. */
export interface PasskeyLogIn {
  /** @throws AUTH_METHOD_DISABLED · RATE_LIMIT_EXCEEDED */
  begin(clientAddress: string): Promise<PasskeyChallenge>;
  /** @throws AUTH_INVALID_CREDENTIALS · AUTH_TOKEN_INVALID */
  finish(answer: PasskeyAnswer): Promise<OpenedSession>;
  /** As the second step of a log-in by something else. @throws AUTH_INVALID_CREDENTIALS · AUTH_TOKEN_INVALID */
  finishSecondStep(challengeToken: string, answer: PasskeyAnswer): Promise<OpenedSession>;
}

export interface PasskeyLogInOptions {
  readonly sql: Sql<unknown>;
  readonly limiter: Limiter;
  readonly passkeys: Pick<AccountPasskeys, "beginLogin" | "verify">;
  readonly sessions: Pick<Sessions, "open">;
  readonly tokens: AccountTokens;
}

const BEGINS_PER_ADDRESS: LimitPolicy = { limit: 30, windowMs: 60_000 };
/** An installation has one realm of accounts. */
const REALM = {};

export function createPasskeyLogIn(options: PasskeyLogInOptions): PasskeyLogIn {
  const { limiter, passkeys, sessions, tokens } = options;
  const sql = options.sql.withTables<AccountTables>();

  async function open(accountId: string): Promise<OpenedSession> {
    const account = await accountStore.findById(sql.db, accountId);
    if (account === undefined) throw unknownPasskey();
    return await sessions.open(account);
  }

  return {
    async begin(clientAddress) {
      await requireAllowed(limiter, `passkey-log-in:${limitKeyOfAddress(clientAddress)}`, BEGINS_PER_ADDRESS);
      return await passkeys.beginLogin();
    },

    async finish({ challengeToken, response }) {
      return await open((await passkeys.verify(challengeToken, response)).user_id);
    },

    async finishSecondStep(challengeToken, answer) {
      const { account, how } = await findBegun(tokens, sql.db, challengeToken);
      const passkey = await passkeys.verify(answer.challengeToken, answer.response);
      if (passkey.user_id !== account.id) throw unknownPasskey();
      await tokens.take(sql.db, "mfa", REALM, challengeToken);
      return await sessions.open(account, how);
    },
  };
}
