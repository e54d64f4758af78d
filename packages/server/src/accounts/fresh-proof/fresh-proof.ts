import { AerostackError, type FreshProof } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { unknownPasskey } from "../../identity/passkeys/passkeys.ts";
import { isPasswordSet, type PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import type { Limiter, LimitPolicy } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../keys/principal.ts";
import { requireSession } from "../require-session.ts";
import type { AccountSecondFactors } from "../second-factor/second-factor.ts";
import { type AccountRow, accountStore } from "../store.ts";
import type { AccountTables } from "../tables.ts";
import type { AccountCodes } from "../ways-in/codes/account-codes.ts";
import type { AccountPasskeys } from "../ways-in/passkeys/account-passkeys.ts";

/**
 * Whether the person at a session is still its owner. What decides about an account's ways in, its keys or its
 * organisations is done only within ten minutes of a log-in or of a proof, so that a session left open, or a stolen
 * token, is not enough.
 */
export interface FreshProofs {
  /** Keys pass: they prove nothing, and may do what they may do. @throws AUTH_PROOF_REQUIRED */
  require(identity: AccountIdentity): Promise<void>;
  /** @throws FORBIDDEN by a key · AUTH_INVALID_CREDENTIALS · AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED · CONFLICT */
  prove(identity: AccountIdentity, proof: FreshProof, clientAddress: string): Promise<void>;
  /** Asks for the password where the account has one, and for a fresh proof where it has none. @throws as both */
  requirePassword(identity: AccountIdentity, password: string | undefined): Promise<void>;
}

export const FRESH_PROOF_MS = 10 * 60_000;
/** A session that was left open somewhere is no licence to guess. The same count as for changing the password. */
const PASSWORDS_PER_ACCOUNT: LimitPolicy = { limit: 5, windowMs: 15 * 60_000 };

export interface FreshProofsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly hasher: PasswordHasher;
  readonly limiter: Limiter;
  readonly secondFactors: Pick<AccountSecondFactors, "verify">;
  readonly passkeys: Pick<AccountPasskeys, "verify">;
  readonly codes: Pick<AccountCodes, "verify">;
}

export function createFreshProofs(options: FreshProofsOptions): FreshProofs {
  const { clock, hasher, limiter, secondFactors, passkeys, codes } = options;
  const sql = options.sql.withTables<AccountTables>();

  async function requireAccount(accountId: string): Promise<AccountRow> {
    const account = await accountStore.findById(sql.db, accountId);
    if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
    return account;
  }

  async function checkPassword(accountId: string, password: string): Promise<void> {
    await requireAllowed(limiter, `password:account:${accountId}`, PASSWORDS_PER_ACCOUNT);
    const { valid } = await hasher.verify(password, (await requireAccount(accountId)).password_hash);
    if (!valid) throw new AerostackError("AUTH_INVALID_CREDENTIALS", { message: "The password is wrong." });
  }

  async function check(accountId: string, proof: FreshProof, clientAddress: string): Promise<void> {
    if (proof.password !== undefined) return await checkPassword(accountId, proof.password);
    if (proof.passkey !== undefined) {
      const passkey = await passkeys.verify(proof.passkey.challengeToken, proof.passkey.response);
      if (passkey.user_id !== accountId) throw unknownPasskey();
      return;
    }
    if (proof.emailCode !== undefined) {
      const { email } = await requireAccount(accountId);
      if ((await codes.verify(email, proof.emailCode, clientAddress)) === undefined) {
        throw new AerostackError("AUTH_OTP_EXPIRED");
      }
      return;
    }
    await secondFactors.verify(accountId, { code: proof.code, recoveryCode: proof.recoveryCode });
  }

  async function markProven(sessionId: string): Promise<void> {
    await sql.db.updateTable("sessions").set({ proven_at: clock.now() }).where("id", "=", sessionId).execute();
  }

  async function requireFresh({ via, credentialId }: AccountIdentity): Promise<void> {
    if (via !== "session") return;
    const session = await sql.db
      .selectFrom("sessions")
      .select("proven_at")
      .where("id", "=", credentialId)
      .executeTakeFirst();
    if ((session?.proven_at ?? 0) > clock.now() - FRESH_PROOF_MS) return;
    throw new AerostackError("AUTH_PROOF_REQUIRED");
  }

  return {
    require: requireFresh,

    async prove({ via, accountId, credentialId }, proof, clientAddress) {
      requireSession(via, "Who is there is proven");
      await check(accountId, proof, clientAddress);
      await markProven(credentialId);
    },

    async requirePassword(identity, password) {
      const { via, accountId, credentialId } = identity;
      requireSession(via, "Log-in in two steps is changed");
      if (!isPasswordSet((await requireAccount(accountId)).password_hash)) return await requireFresh(identity);
      if (password === undefined) {
        throw new AerostackError("AUTH_PROOF_REQUIRED", {
          message: "The password is asked for again.",
          fix: "Send it as password.",
        });
      }
      await checkPassword(accountId, password);
      await markProven(credentialId);
    },
  };
}
