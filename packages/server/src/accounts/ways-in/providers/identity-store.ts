import type { Kysely, Selectable } from "kysely";
import type { WayInTables } from "../tables.ts";

export type AccountIdentityRow = Selectable<WayInTables["account_identities"]>;
type Db = Kysely<WayInTables>;

export const accountIdentityStore = {
  /** False when the identity is an account's already, or the account has one of this provider. */
  async insert(db: Db, row: AccountIdentityRow): Promise<boolean> {
    const inserted = await db
      .insertInto("account_identities")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning("account_id")
      .executeTakeFirst();
    return inserted !== undefined;
  },

  async find(
    db: Db,
    { provider, subject_hash }: Pick<AccountIdentityRow, "provider" | "subject_hash">,
  ): Promise<AccountIdentityRow | undefined> {
    return await db
      .selectFrom("account_identities")
      .selectAll()
      .where("provider", "=", provider)
      .where("subject_hash", "=", subject_hash)
      .executeTakeFirst();
  },

  async listOf(db: Db, accountId: string): Promise<AccountIdentityRow[]> {
    return await db
      .selectFrom("account_identities")
      .selectAll()
      .where("account_id", "=", accountId)
      .orderBy("created_at")
      .limit(100)
      .execute();
  },

  async markUsed(
    db: Db,
    { provider, subject_hash }: Pick<AccountIdentityRow, "provider" | "subject_hash">,
    nowMs: number,
  ): Promise<void> {
    await db
      .updateTable("account_identities")
      .set({ last_used_at: nowMs })
      .where("provider", "=", provider)
      .where("subject_hash", "=", subject_hash)
      .execute();
  },

  /** Undefined when the account has none of this provider. */
  async remove(db: Db, accountId: string, provider: string): Promise<AccountIdentityRow | undefined> {
    return await db
      .deleteFrom("account_identities")
      .where("account_id", "=", accountId)
      .where("provider", "=", provider)
      .returningAll()
      .executeTakeFirst();
  },
};
