import type { Kysely } from "kysely";
import { endUserSessionStore } from "../sessions/store.ts";
import type { EndUserTables } from "../tables.ts";

const WAYS_IN = [
  "end_user_identities",
  "end_user_passkeys",
  "end_user_totp",
  "end_user_recovery_codes",
  "end_user_known_networks",
  "end_user_sign_ups",
] as const satisfies readonly (keyof EndUserTables)[];

/**
 * Ends every session of a user and forgets every way in but the password, which the caller sets. For the moment when an
 * address is proven for the first time: what opened the account before was not proven to be its owner's.
 */
export async function forgetWaysIn(trx: Kysely<EndUserTables>, userId: string, nowMs: number): Promise<void> {
  await endUserSessionStore.revokeAllOfUser(trx, userId, "address proven by its owner", nowMs);
  for (const table of WAYS_IN) await trx.deleteFrom(table).where("user_id", "=", userId).execute();
}
