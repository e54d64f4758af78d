import type { Kysely } from "kysely";
import type { EndUserTables } from "../tables.ts";
import type { EndUserRow } from "./store.ts";

type Db = Kysely<EndUserTables>;

/**
 * The password of the newest sign-up with an address that nobody has confirmed, whether the address had a user before or
 * not. A log-in with it is answered that the address is not confirmed; were that said of new addresses only, a sign-up and a
 * log-in would tell whether an address has a user.
 */
export const signUpStore = {
  /** The same statements for a new address as for one that is taken. */
  async note(trx: Db, { project_id, email, password_hash }: EndUserRow, nowMs: number): Promise<void> {
    const user = await trx
      .selectFrom("end_users")
      .select("id")
      .where("project_id", "=", project_id)
      .where("email", "=", email)
      .executeTakeFirst();
    if (user === undefined || password_hash === null) return;
    const newest = { password_hash, created_at: nowMs };
    await trx
      .insertInto("end_user_sign_ups")
      .values({ user_id: user.id, ...newest })
      .onConflict((conflict) => conflict.column("user_id").doUpdateSet(newest))
      .execute();
  },

  async passwordHashOf(db: Db, userId: string): Promise<string | null> {
    const row = await db
      .selectFrom("end_user_sign_ups")
      .select("password_hash")
      .where("user_id", "=", userId)
      .executeTakeFirst();
    return row?.password_hash ?? null;
  },

  /** For when the address was confirmed, or a password was set by who may. */
  async forget(trx: Db, userId: string): Promise<void> {
    await trx.deleteFrom("end_user_sign_ups").where("user_id", "=", userId).execute();
  },
};
