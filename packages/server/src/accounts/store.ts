import type { Kysely, Selectable } from "kysely";
import { removeInvitationsOf } from "../teams/departure.ts";
import { addPersonalOrganisation } from "../teams/personal-organisation.ts";
import type { AccountTables } from "./tables.ts";

export type AccountRow = Selectable<AccountTables["accounts"]>;
type Db = Kysely<AccountTables>;

/** In one round; what is left waits for the next. */
const MAX_DELETIONS = 100;

export const accountStore = {
  /** In a transaction, with the organisation of its own that every account has. False when the address has an account. */
  async insert(trx: Db, row: AccountRow): Promise<boolean> {
    const inserted = await trx
      .insertInto("accounts")
      .values(row)
      .onConflict((conflict) => conflict.column("email").doNothing())
      .returning("id")
      .executeTakeFirst();
    if (inserted === undefined) return false;
    await addPersonalOrganisation(trx, row);
    return true;
  },

  async findByEmail(db: Db, email: string): Promise<AccountRow | undefined> {
    return await db.selectFrom("accounts").selectAll().where("email", "=", email).executeTakeFirst();
  },

  async findById(db: Db, id: string): Promise<AccountRow | undefined> {
    return await db.selectFrom("accounts").selectAll().where("id", "=", id).executeTakeFirst();
  },

  async adminExists(db: Db): Promise<boolean> {
    const row = await db.selectFrom("accounts").select("id").where("is_admin", "=", 1).limit(1).executeTakeFirst();
    return row !== undefined;
  },

  async listAdmins(db: Db): Promise<string[]> {
    const rows = await db.selectFrom("accounts").select("id").where("is_admin", "=", 1).orderBy("id").execute();
    return rows.map(({ id }) => id);
  },

  async isOnlyAdmin(db: Db, id: string): Promise<boolean> {
    const other = await db
      .selectFrom("accounts")
      .select("id")
      .where("is_admin", "=", 1)
      .where("closed_at", "is", null)
      .where("id", "!=", id)
      .limit(1)
      .executeTakeFirst();
    return other === undefined;
  },

  /** @param closedAtMs null: it is open again */
  async setClosed(db: Db, id: string, closedAtMs: number | null): Promise<void> {
    await db.updateTable("accounts").set({ closed_at: closedAtMs }).where("id", "=", id).execute();
  },

  async listClosedBefore(db: Db, beforeMs: number, except: readonly string[]): Promise<readonly string[]> {
    let query = db.selectFrom("accounts").select("id").where("closed_at", "<=", beforeMs);
    if (except.length > 0) query = query.where("id", "not in", except);
    const rows = await query.orderBy("closed_at").limit(MAX_DELETIONS).execute();
    return rows.map(({ id }) => id);
  },

  /** With all that refers to it; invitations of others to its address, too. */
  async remove(trx: Db, { id, email }: AccountRow): Promise<void> {
    await removeInvitationsOf(trx, email);
    await trx.deleteFrom("accounts").where("id", "=", id).execute();
  },

  async setPasswordHash(db: Db, id: string, passwordHash: string, nowMs: number): Promise<void> {
    await db
      .updateTable("accounts")
      .set({ password_hash: passwordHash, updated_at: nowMs })
      .where("id", "=", id)
      .execute();
  },

  /** Whoever gets it reads its mail. False when the account has another address than `from` by now. */
  async replaceEmail(db: Db, id: string, from: string, to: string, nowMs: number): Promise<boolean> {
    const row = await db
      .updateTable("accounts")
      .set({ email: to, email_verified_at: nowMs, updated_at: nowMs })
      .where("id", "=", id)
      .where("email", "=", from)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** False when it was before. */
  async markEmailVerified(db: Db, id: string, nowMs: number): Promise<boolean> {
    const row = await db
      .updateTable("accounts")
      .set({ email_verified_at: nowMs, updated_at: nowMs })
      .where("id", "=", id)
      .where("email_verified_at", "is", null)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** False when the password is not the one that was checked any more: of two changes at once one wins. */
  async replacePasswordHash(db: Db, account: AccountRow, passwordHash: string, nowMs: number): Promise<boolean> {
    const row = await db
      .updateTable("accounts")
      .set({ password_hash: passwordHash, updated_at: nowMs })
      .where("id", "=", account.id)
      .where("password_hash", "=", account.password_hash)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** Replaces all set-up tokens: only the one of the last start is valid. */
  async replaceSetupToken(db: Db, hash: string, nowMs: number): Promise<void> {
    await db.deleteFrom("setup_tokens").execute();
    await db.insertInto("setup_tokens").values({ hash, created_at: nowMs }).execute();
  },

  /** True when the token was there; it is gone now. */
  async takeSetupToken(db: Db, hash: string): Promise<boolean> {
    const row = await db.deleteFrom("setup_tokens").where("hash", "=", hash).returning("hash").executeTakeFirst();
    return row !== undefined;
  },
};
