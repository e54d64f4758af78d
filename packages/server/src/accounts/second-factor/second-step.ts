import { AerostackError, type SecondStepMethod } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import { hashToken } from "../../kernel/crypto/token-hash.ts";
import type { AccountTokens } from "../account-tokens.ts";
import type { SessionOrigin } from "../sessions.ts";
import { type AccountRow, accountStore } from "../store.ts";
import type { AccountTables } from "../tables.ts";

/** What the second step of a log-in is begun with, and what finishes it. */
export interface BegunSecondStep {
  readonly challengeToken: string;
  readonly methods: readonly SecondStepMethod[];
}

/** The second step of accounts' log-in, whatever the first was. */
export interface SecondStep {
  /** For whoever got past the first step; null when the account has no second. */
  begin(account: AccountRow, how: SessionOrigin): Promise<BegunSecondStep | null>;
}

export interface SecondStepOptions {
  readonly tokens: Pick<AccountTokens, "create">;
  readonly hasAuthenticator: (accountId: string) => Promise<boolean>;
  readonly passkeysOf: (accountId: string) => Promise<{ readonly isAny: boolean; readonly isStep: boolean }>;
}

/** An installation has one realm of accounts. */
const REALM = {};

export function createSecondStep({ tokens, hasAuthenticator, passkeysOf }: SecondStepOptions): SecondStep {
  return {
    async begin({ id, password_hash }, { signOnOrganisationId }) {
      const isTotp = await hasAuthenticator(id);
      const { isAny, isStep } = await passkeysOf(id);
      if (!isTotp && !isStep) return null;
      const methods: SecondStepMethod[] = [
        ...(isTotp ? (["totp", "recovery-code"] as const) : []),
        // A passkey is asked for by whoever wants it so, and taken wherever something is asked for.
        ...(isAny ? (["passkey"] as const) : []),
      ];
      const data = { password: hashToken(password_hash), ...(signOnOrganisationId && { signOnOrganisationId }) };
      return { challengeToken: await tokens.create("mfa", { realm: REALM, userId: id, data }), methods };
    },
  };
}

/** Whose second step a token is for, and how the first was done. It stays usable. @throws AUTH_TOKEN_INVALID */
export async function findBegun(
  tokens: Pick<AccountTokens, "find">,
  db: Kysely<AccountTables>,
  challengeToken: string,
): Promise<{ readonly account: AccountRow; readonly how: SessionOrigin }> {
  const { userId, data } = await tokens.find("mfa", REALM, challengeToken);
  const account = userId === null ? undefined : await accountStore.findById(db, userId);
  // Else it was made as the password was changed, and after the change had removed all others.
  if (account !== undefined && data.password === hashToken(account.password_hash)) {
    const { signOnOrganisationId } = data;
    return { account, how: typeof signOnOrganisationId === "string" ? { signOnOrganisationId } : {} };
  }
  throw new AerostackError("AUTH_TOKEN_INVALID");
}
