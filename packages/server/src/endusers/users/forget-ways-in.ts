import type { Kysely } from "kysely";
import { endUserSessionStore } from "../sessions/store.ts";
import type { EndUserTables } from "../tables.ts";

/**
 * Ends every session of a user and forgets every way in but the password, which the caller sets. For the moment when an
 * address is proven for the first time: what opened the account before was not proven to be its owner's.
 */
export async function forgetWaysIn(trx: Kysely<EndUserTables>, userId: string, nowMs: number): Promise<void> {
  await endUserSessionStore.revokeAllOfUser(trx, userId, "address proven by its owner", nowMs);
  await trx.deleteFrom("end_user_identities").where("user_id", "=", userId).execute();
}
