import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { AccountTables } from "./tables.ts";

export type AccountKeyRow = Selectable<AccountTables["account_keys"]>;
type Db = Kysely<AccountTables>;

export const accountKeyStore = {
  async insert(db: Db, row: AccountKeyRow): Promise<void> {
    await db.insertInto("account_keys").values(row).execute();
  },

  async find(db: Db, accountId: string, id: string): Promise<AccountKeyRow | undefined> {
    return await db
      .selectFrom("account_keys")
      .selectAll()
      .where("account_id", "=", accountId)
      .where("id", "=", id)
      .executeTakeFirst();
  },

  async findById(db: Db, id: string): Promise<AccountKeyRow | undefined> {
    return await db.selectFrom("account_keys").selectAll().where("id", "=", id).executeTakeFirst();
  },

  async findByHash(db: Db, hash: string): Promise<AccountKeyRow | undefined> {
    return await db.selectFrom("account_keys").selectAll().where("hash", "=", hash).executeTakeFirst();
  },

  async list(db: Db, accountId: string, { limit, cursor }: PageRequest): Promise<AccountKeyRow[]> {
    let query = db.selectFrom("account_keys").selectAll().where("account_id", "=", accountId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async countActive(db: Db, accountId: string, nowMs: number): Promise<number> {
    const { count } = await db
      .selectFrom("account_keys")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("account_id", "=", accountId)
      .where("revoked_at", "is", null)
      .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", nowMs)]))
      .executeTakeFirstOrThrow();
    return count;
  },

  /** Undefined when the account has no such key. A key that is revoked already keeps its time. */
  async revoke(db: Db, accountId: string, id: string, nowMs: number): Promise<AccountKeyRow | undefined> {
    return await db
      .updateTable("account_keys")
      .set((eb) => ({ revoked_at: eb.fn.coalesce("revoked_at", eb.val(nowMs)) }))
      .where("account_id", "=", accountId)
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirst();
  },

  /** False when it was replaced or revoked before. */
  async replace(db: Db, id: string, replacedBy: string, expiresAtMs: number): Promise<boolean> {
    const row = await db
      .updateTable("account_keys")
      .set({ replaced_by: replacedBy, expires_at: expiresAtMs })
      .where("id", "=", id)
      .where("replaced_by", "is", null)
      .where("revoked_at", "is", null)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /**
   * @param madeSinceMs of those that were made before nothing changes
   * @returns how many there were
   */
  async revokeAll(db: Db, accountId: string, nowMs: number, madeSinceMs = 0): Promise<number> {
    const revoked = await db
      .updateTable("account_keys")
      .set({ revoked_at: nowMs })
      .where("account_id", "=", accountId)
      .where("created_at", ">=", madeSinceMs)
      .where("revoked_at", "is", null)
      .returning("id")
      .execute();
    return revoked.length;
  },

  async markUsed(db: Db, ids: readonly string[], usedAtMs: number, ip: string | null): Promise<void> {
    await db
      .updateTable("account_keys")
      .set({ last_used_at: usedAtMs, last_used_ip: ip })
      .where("id", "in", ids)
      .execute();
  },
};
