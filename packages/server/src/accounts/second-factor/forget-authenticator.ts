import type { Kysely } from "kysely";
import type { AccountFactorTables } from "./tables.ts";

/**
 * In the transaction that finds out that whoever set up the authenticator since a time need not have been the account's owner:
 * it would keep the owner out.
 *
 * @returns whether there was one that log-ins asked for
 */
export async function forgetAuthenticator<Tables>(
  trx: Kysely<Tables>,
  accountId: string,
  sinceMs = 0,
): Promise<boolean> {
  const db = trx as unknown as Kysely<AccountFactorTables>;
  const removed = await db
    .deleteFrom("account_totp")
    .where("user_id", "=", accountId)
    .where("created_at", ">=", sinceMs)
    .returning("confirmed_at")
    .executeTakeFirst();
  if (removed === undefined) return false;
  await db.deleteFrom("account_recovery_codes").where("user_id", "=", accountId).execute();
  return removed.confirmed_at !== null;
}
