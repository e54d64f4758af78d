import type { Kysely } from "kysely";
import type { WayInTables } from "../tables.ts";

type Db = Kysely<WayInTables>;

/** Whether a log-in by one factor asks for a passkey. */
export const passkeySteps = {
  async isOn(db: Db, accountId: string): Promise<boolean> {
    const row = await db
      .selectFrom("account_passkey_steps")
      .select("account_id")
      .where("account_id", "=", accountId)
      .executeTakeFirst();
    return row !== undefined;
  },

  /** False when it was on before. */
  async switchOn(db: Db, accountId: string, nowMs: number): Promise<boolean> {
    const row = await db
      .insertInto("account_passkey_steps")
      .values({ account_id: accountId, created_at: nowMs })
      .onConflict((conflict) => conflict.doNothing())
      .returning("account_id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** False when it was off before. */
  async switchOff(db: Db, accountId: string): Promise<boolean> {
    const row = await db
      .deleteFrom("account_passkey_steps")
      .where("account_id", "=", accountId)
      .returning("account_id")
      .executeTakeFirst();
    return row !== undefined;
  },
};
