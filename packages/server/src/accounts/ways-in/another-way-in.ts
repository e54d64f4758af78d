import { AerostackError } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import { isPasswordSet } from "../../kernel/crypto/password-hash.ts";
import { accountStore } from "../store.ts";
import type { AccountTables } from "../tables.ts";
import { accountIdentityStore } from "./providers/identity-store.ts";
import type { WayInTables } from "./tables.ts";

/**
 * In the transaction that has taken a way in away: whether the account's owner still gets in. The account's row is
 * locked, so that of two removals at once the second sees the first.
 *
 * @throws CONFLICT
 */
export async function requireAnotherWayIn(trx: Kysely<AccountTables & WayInTables>, accountId: string): Promise<void> {
  const account = await accountStore.findById(trx, accountId);
  if (account !== undefined && isPasswordSet(account.password_hash)) return;
  if ((await accountIdentityStore.listOf(trx, accountId)).length > 0) return;
  const passkey = await trx
    .selectFrom("account_passkeys")
    .select("id")
    .where("user_id", "=", accountId)
    .limit(1)
    .executeTakeFirst();
  if (passkey !== undefined) return;
  throw new AerostackError("CONFLICT", {
    message: "This is the only way to log in that the account has.",
    fix: "Set a password before (POST /api/auth/password/forgot sends a link), or add a passkey or connect a provider.",
  });
}

/** Makes changes of one account's ways in wait for each other. */
export async function lockAccount(trx: Kysely<AccountTables>, accountId: string): Promise<void> {
  await trx
    .updateTable("accounts")
    .set((eb) => ({ updated_at: eb.ref("updated_at") }))
    .where("id", "=", accountId)
    .execute();
}
