import type { Kysely, Selectable } from "kysely";
import type { AccountTables } from "./tables.ts";

export type DeviceLoginRow = Selectable<AccountTables["device_logins"]>;
type Db = Kysely<AccountTables>;

export const deviceStore = {
  async insert(db: Db, row: DeviceLoginRow): Promise<void> {
    await db.insertInto("device_logins").values(row).execute();
  },

  async find(db: Db, deviceHash: string): Promise<DeviceLoginRow | undefined> {
    return await db.selectFrom("device_logins").selectAll().where("device_hash", "=", deviceHash).executeTakeFirst();
  },

  /** False when there is no such code that waits for a decision. */
  async decide(
    db: Db,
    userCodeHash: string,
    decision: { readonly status: "approved" | "denied"; readonly accountId: string; readonly nowMs: number },
  ): Promise<boolean> {
    const row = await db
      .updateTable("device_logins")
      .set({ status: decision.status, account_id: decision.accountId })
      .where("user_code_hash", "=", userCodeHash)
      .where("status", "=", "pending")
      .where("expires_at", ">", decision.nowMs)
      .returning("device_hash")
      .executeTakeFirst();
    return row !== undefined;
  },

  async schedule(db: Db, deviceHash: string, intervalMs: number, nextPollAtMs: number): Promise<void> {
    await db
      .updateTable("device_logins")
      .set({ interval_ms: intervalMs, next_poll_at: nextPollAtMs })
      .where("device_hash", "=", deviceHash)
      .execute();
  },

  /** The account that approved, once; undefined for every later call. */
  async takeApproved(db: Db, deviceHash: string): Promise<string | undefined> {
    const row = await db
      .deleteFrom("device_logins")
      .where("device_hash", "=", deviceHash)
      .where("status", "=", "approved")
      .returning("account_id")
      .executeTakeFirst();
    return row?.account_id ?? undefined;
  },

  async removeExpired(db: Db, nowMs: number): Promise<void> {
    await db.deleteFrom("device_logins").where("expires_at", "<", nowMs).execute();
  },
};
