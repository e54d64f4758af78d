import type { Kysely } from "kysely";
import type { WayInTables } from "./tables.ts";

/**
 * In the transaction that finds out that whoever had the account so far, or since a time, need not have been its owner.
 * An authenticator app is not among them: it keeps out, and lets nobody in (`forgetAuthenticator`).
 */
export async function forgetWaysIn<Tables>(
  trx: Kysely<Tables>,
  accountId: string,
  sinceMs = 0,
): Promise<{ readonly logIns: number; readonly passkeys: number }> {
  const db = trx as unknown as Kysely<WayInTables>;
  const logIns = await db
    .deleteFrom("account_identities")
    .where("account_id", "=", accountId)
    .where("created_at", ">=", sinceMs)
    .returning("provider")
    .execute();
  const passkeys = await db
    .deleteFrom("account_passkeys")
    .where("user_id", "=", accountId)
    .where("created_at", ">=", sinceMs)
    .returning("id")
    .execute();
  const passkeysLeft = db.selectFrom("account_passkeys").select("user_id").where("user_id", "=", accountId);
  await db
    .deleteFrom("account_passkey_steps")
    .where("account_id", "=", accountId)
    .where("account_id", "not in", passkeysLeft)
    .execute();
  await db.deleteFrom("account_way_in_tokens").where("user_id", "=", accountId).execute();
  return { logIns: logIns.length, passkeys: passkeys.length };
}
