import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../../../audit/record.ts";
import type { PasswordHasher } from "../../../kernel/crypto/password-hash.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import { newAccountRow } from "../../new-account-row.ts";
import { requireAge, requireOpenSignUp } from "../../sign-up-rules.ts";
import { type AccountRow, accountStore } from "../../store.ts";
import type { AccountTables } from "../../tables.ts";
import type { WayInTables } from "../tables.ts";
import { type AccountIdentityRow, accountIdentityStore } from "./identity-store.ts";
import type { ProvenProfile } from "./proven-profile.ts";

/**
 * Which account somebody has whom a provider knows. Only an identity that was connected opens an account: an address that
 * is the same opens nothing, whoever confirmed it.
 */
export interface ProviderAccounts {
  find(profile: ProvenProfile): Promise<AccountRow | undefined>;
  markUsed(profile: ProvenProfile): Promise<void>;
  /**
   * Whether a new account could be made of it; writes nothing.
   *
   * @throws FORBIDDEN · AUTH_AGE_UNKNOWN · AUTH_EMAIL_NOT_VERIFIED · AUTH_USER_EXISTS
   */
  requireNewcomer(profile: ProvenProfile, ageConfirmed: boolean | undefined): Promise<void>;
  /** @throws as `requireNewcomer` */
  create(profile: ProvenProfile, ageConfirmed: boolean | undefined): Promise<AccountRow>;
}

export interface ProviderAccountsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly hasher: Pick<PasswordHasher, "none">;
  readonly audit: Audit;
  readonly signUp: "open" | "closed";
}

export function createProviderAccounts(options: ProviderAccountsOptions): ProviderAccounts {
  const { clock, hasher, audit, signUp } = options;
  const sql = options.sql.withTables<AccountTables & WayInTables>();

  async function requireNewcomer(
    db: Kysely<AccountTables>,
    { email, isEmailVerified }: ProvenProfile,
    ageConfirmed: boolean | undefined,
  ): Promise<string> {
    if (email === null || !isEmailVerified) {
      throw new AerostackError("AUTH_EMAIL_NOT_VERIFIED", {
        message: "The provider has not confirmed an e-mail address of this person.",
        fix: "Confirm the address there, or register with a password.",
      });
    }
    if ((await accountStore.findByEmail(db, email)) !== undefined) throw addressTaken();
    requireOpenSignUp(signUp);
    if (ageConfirmed === undefined) throw new AerostackError("AUTH_AGE_UNKNOWN");
    requireAge(ageConfirmed);
    return email;
  }

  return {
    async find({ provider, subjectHash }) {
      const identity = await accountIdentityStore.find(sql.db, { provider, subject_hash: subjectHash });
      if (identity === undefined) return undefined;
      return await accountStore.findById(sql.db, identity.account_id);
    },

    async markUsed({ provider, subjectHash }) {
      await accountIdentityStore.markUsed(sql.db, { provider, subject_hash: subjectHash }, clock.now());
    },

    async requireNewcomer(profile, ageConfirmed) {
      await requireNewcomer(sql.db, profile, ageConfirmed);
    },

    async create(profile, ageConfirmed) {
      return await sql.transaction(async (trx) => {
        const email = await requireNewcomer(trx, profile, ageConfirmed);
        const facts = { email, name: profile.name, passwordHash: hasher.none(), isAdmin: false, isEmailVerified: true };
        const account = newAccountRow(facts, clock.now());
        if (!(await accountStore.insert(trx, account))) throw addressTaken();
        if (!(await accountIdentityStore.insert(trx, identityRowOf(profile, account.id, clock.now())))) {
          throw addressTaken();
        }
        await audit.record(trx, {
          actor: { kind: "account", id: account.id },
          action: "account.created",
          target: { kind: "account", id: account.id },
          after: { provider: profile.provider },
        });
        return account;
      });
    },
  };
}

export function identityRowOf(profile: ProvenProfile, accountId: string, nowMs: number): AccountIdentityRow {
  return {
    provider: profile.provider,
    subject_hash: profile.subjectHash,
    account_id: accountId,
    email: profile.email,
    created_at: nowMs,
    last_used_at: null,
  };
}

function addressTaken(): AerostackError {
  return new AerostackError("AUTH_USER_EXISTS", {
    message: "An account with this e-mail address exists, and this provider is not connected to it.",
    fix: "Log in the way you do so far, then connect the provider.",
  });
}
