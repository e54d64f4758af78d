import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { AccountTables } from "./tables.ts";

export type SessionRow = Selectable<AccountTables["sessions"]>;
export type RefreshTokenRow = Selectable<AccountTables["refresh_tokens"]>;
type Db = Kysely<AccountTables>;

export const sessionStore = {
  async insert(db: Db, row: SessionRow): Promise<void> {
    await db.insertInto("sessions").values(row).execute();
  },

  /** Whether the account has had sessions, and one with such a device among them. */
  async deviceIsNew(db: Db, accountId: string, device: string): Promise<boolean> {
    const rows = await db
      .selectFrom("sessions")
      .select("device")
      .distinct()
      .where("account_id", "=", accountId)
      .execute();
    return rows.length > 0 && !rows.some((row) => row.device === device);
  },

  async find(db: Db, id: string): Promise<SessionRow | undefined> {
    return await db.selectFrom("sessions").selectAll().where("id", "=", id).executeTakeFirst();
  },

  /** False when it had ended before. */
  async revoke(db: Db, id: string, reason: string, nowMs: number): Promise<boolean> {
    const row = await db
      .updateTable("sessions")
      .set({ revoked_at: nowMs, revoke_reason: reason })
      .where("id", "=", id)
      .where("revoked_at", "is", null)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** Those that are still open, newest first. */
  async listOpen(db: Db, accountId: string, { limit, cursor }: PageRequest, nowMs: number): Promise<SessionRow[]> {
    let query = db
      .selectFrom("sessions")
      .selectAll()
      .where("account_id", "=", accountId)
      .where("revoked_at", "is", null)
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom("refresh_tokens")
            .select("hash")
            .whereRef("refresh_tokens.session_id", "=", "sessions.id")
            .where("refresh_tokens.expires_at", ">", nowMs),
        ),
      );
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async markUsed(db: Db, id: string, ip: string | null, nowMs: number): Promise<void> {
    await db.updateTable("sessions").set({ last_used_at: nowMs, ip }).where("id", "=", id).execute();
  },

  /** @returns how many there were */
  async revokeOthers(db: Db, accountId: string, keptId: string, reason: string, nowMs: number): Promise<number> {
    const revoked = await db
      .updateTable("sessions")
      .set({ revoked_at: nowMs, revoke_reason: reason })
      .where("account_id", "=", accountId)
      .where("id", "!=", keptId)
      .where("revoked_at", "is", null)
      .returning("id")
      .execute();
    return revoked.length;
  },

  async revokeAll(db: Db, accountId: string, reason: string, nowMs: number): Promise<number> {
    return await sessionStore.revokeOthers(db, accountId, "", reason, nowMs);
  },

  async insertToken(db: Db, row: RefreshTokenRow): Promise<void> {
    await db.insertInto("refresh_tokens").values(row).execute();
  },

  async findToken(db: Db, hash: string): Promise<RefreshTokenRow | undefined> {
    return await db.selectFrom("refresh_tokens").selectAll().where("hash", "=", hash).executeTakeFirst();
  },

  /** False when the token was used before: of two uses at once one wins. */
  async useToken(db: Db, hash: string, nowMs: number): Promise<boolean> {
    const row = await db
      .updateTable("refresh_tokens")
      .set({ used_at: nowMs })
      .where("hash", "=", hash)
      .where("used_at", "is", null)
      .returning("hash")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** Sessions whose every token has expired, with their tokens. */
  async removeExpired(db: Db, nowMs: number): Promise<void> {
    await db.deleteFrom("refresh_tokens").where("expires_at", "<", nowMs).execute();
    await db
      .deleteFrom("sessions")
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(selectFrom("refresh_tokens").select("hash").whereRef("refresh_tokens.session_id", "=", "sessions.id")),
        ),
      )
      .execute();
  },
};
