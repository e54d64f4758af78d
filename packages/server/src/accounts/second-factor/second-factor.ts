import { AerostackError, type SecondFactor } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../../audit/record.ts";
import type { KnownNetworks } from "../../identity/known-networks.ts";
import { createSecondFactors } from "../../identity/totp/second-factors.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../keys/principal.ts";
import type { Notices } from "../../notices/service.ts";
import type { AccountTokens } from "../account-tokens.ts";
import { happenedNow } from "../happened.ts";
import { requireSession } from "../require-session.ts";
import type { OpenedSession, Sessions } from "../sessions.ts";
import { type AccountRow, accountStore } from "../store.ts";
import type { AccountTables } from "../tables.ts";
import { findBegun } from "./second-step.ts";
import { accountTotp } from "./tables.ts";

/**
 * The authenticator apps of accounts, and the second step of their log-in. What changes them is done by a person with a
 * session, is written to the audit log in the same transaction, and its owner is told.
 */
export interface AccountSecondFactors {
  state(accountId: string): Promise<{ readonly enabled: boolean; readonly recoveryCodesLeft: number }>;
  /** @throws FORBIDDEN by a key · CONFLICT when there is one already */
  begin(identity: AccountIdentity): Promise<{ readonly secret: string; readonly otpauthUrl: string }>;
  /** @returns recovery codes @throws FORBIDDEN by a key · AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED · CONFLICT */
  confirm(identity: AccountIdentity, code: string): Promise<readonly string[]>;
  /** @throws as `confirm` */
  renewRecoveryCodes(identity: AccountIdentity, code: string): Promise<readonly string[]>;
  /** @throws as `confirm` */
  disable(identity: AccountIdentity, factor: SecondFactor): Promise<void>;
  /** @throws AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED · CONFLICT when there is nothing to verify */
  verify(accountId: string, factor: SecondFactor): Promise<void>;
  /** Asks whoever has an authenticator app for a code of it. @throws AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED */
  prove(accountId: string, factor: SecondFactor | undefined): Promise<void>;
  /** The second step. @throws AUTH_TOKEN_INVALID · AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED · CONFLICT */
  finishLogin(challengeToken: string, factor: SecondFactor): Promise<OpenedSession>;
}

export interface AccountSecondFactorsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly envelope: Envelope;
  readonly sessions: Pick<Sessions, "open">;
  readonly audit: Audit;
  readonly notices: Pick<Notices, "sendInBackground">;
  readonly tokens: AccountTokens;
  readonly knownNetworks: KnownNetworks;
  /** 32 bytes, for what is stored of recovery codes. */
  readonly recoveryKey: Uint8Array;
  /** The authenticator app shows its host, so that somebody with accounts on two installations tells them apart. */
  readonly origin: () => string;
}

/** An installation has one realm of accounts. */
const REALM = {};
const CHANGES = "Log-in in two steps is changed";

export function createAccountSecondFactors(options: AccountSecondFactorsOptions): AccountSecondFactors {
  const { clock, envelope, sessions, audit, notices, tokens, knownNetworks, origin } = options;
  const sql = options.sql.withTables<AccountTables>();
  const factors = createSecondFactors({
    sql: options.sql,
    clock,
    envelope,
    place: accountTotp,
    knownNetworks,
    recoveryKey: options.recoveryKey,
    onChange: (trx, accountId, change) =>
      audit.record(trx, {
        action: `totp.${change}`,
        target: { kind: "account", id: accountId },
        // At log-in the call has no actor yet, but whoever has the code is the account.
        ...(change === "recovery_code_used" ? { actor: { kind: "account", id: accountId } } : {}),
      }),
  });

  async function requireAccount(accountId: string | null): Promise<AccountRow> {
    const account = accountId === null ? undefined : await accountStore.findById(sql.db, accountId);
    if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
    return account;
  }

  return {
    async state(accountId) {
      const enabled = await factors.isActive(accountId);
      return { enabled, recoveryCodesLeft: enabled ? await factors.countRecoveryCodes(accountId) : 0 };
    },

    async begin({ via, accountId }) {
      requireSession(via, CHANGES);
      const { email } = await requireAccount(accountId);
      const issuer = `Aerostack (${new URL(origin()).hostname})`;
      return await factors.begin({ realm: REALM, userId: accountId, label: email, issuer });
    },

    async confirm({ via, accountId }, code) {
      requireSession(via, CHANGES);
      const recoveryCodes = await factors.confirm(accountId, code);
      notices.sendInBackground({ accountId, template: "second-factor-on", data: happenedNow(clock) });
      return recoveryCodes;
    },

    async renewRecoveryCodes({ via, accountId }, code) {
      requireSession(via, CHANGES);
      return await factors.renewRecoveryCodes(accountId, { code });
    },

    async disable({ via, accountId }, factor) {
      requireSession(via, CHANGES);
      await factors.remove(accountId, factor);
      notices.sendInBackground({ accountId, template: "second-factor-off", data: happenedNow(clock) });
    },

    verify: factors.verify,
    async prove(accountId, factor) {
      if (!(await factors.isActive(accountId))) return;
      if (factor === undefined) {
        throw new AerostackError("AUTH_OTP_INVALID", {
          message: "This needs a code of your authenticator app, too.",
          fix: "Send code or recoveryCode.",
        });
      }
      await factors.verify(accountId, factor);
    },

    async finishLogin(challengeToken, factor) {
      const { account, how } = await findBegun(tokens, sql.db, challengeToken);
      // A wrong code leaves the token usable; how many there may be is counted with the account.
      await factors.verify(account.id, factor);
      await tokens.take(sql.db, "mfa", REALM, challengeToken);
      return await sessions.open(account, how);
    },
  };
}
