import type { Kysely } from "kysely";
import type { WayInTables } from "./tables.ts";

/**
 * In the transaction that finds out that whoever had the account so far, or since a time, need not have been its owner.
 * An authenticator app is not among them: it keeps out, and lets nobody in.
 */
export async function forgetWaysIn<Tables>(trx: Kysely<Tables>, accountId: string, sinceMs = 0): Promise<void> {
  const db = trx as unknown as Kysely<WayInTables>;
  await db
    .deleteFrom("account_identities")
    .where("account_id", "=", accountId)
    .where("created_at", ">=", sinceMs)
    .execute();
  await db.deleteFrom("account_passkeys").where("user_id", "=", accountId).where("created_at", ">=", sinceMs).execute();
  const passkeysLeft = db.selectFrom("account_passkeys").select("user_id").where("user_id", "=", accountId);
  await db
    .deleteFrom("account_passkey_steps")
    .where("account_id", "=", accountId)
    .where("account_id", "not in", passkeysLeft)
    .execute();
  await db.deleteFrom("account_way_in_tokens").where("user_id", "=", accountId).execute();
}
