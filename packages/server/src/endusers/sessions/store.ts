import type { Kysely, Selectable } from "kysely";
import type { EndUserTables } from "../tables.ts";

export type EndUserSessionRow = Selectable<EndUserTables["end_user_sessions"]>;
type Db = Kysely<EndUserTables>;

export const endUserSessionStore = {
  async insert(db: Db, row: EndUserSessionRow): Promise<void> {
    await db.insertInto("end_user_sessions").values(row).execute();
  },

  async find(db: Db, projectId: string, id: string): Promise<EndUserSessionRow | undefined> {
    return await db
      .selectFrom("end_user_sessions")
      .selectAll()
      .where("id", "=", id)
      .where("project_id", "=", projectId)
      .executeTakeFirst();
  },

  /** False when another refresh token is the valid one: of two uses at once one wins. */
  async rotate(
    db: Db,
    id: string,
    change: { readonly from: string; readonly to: string; readonly nowMs: number; readonly expiresAtMs: number },
  ): Promise<boolean> {
    const row = await db
      .updateTable("end_user_sessions")
      .set({ refresh_hash: change.to, last_used_at: change.nowMs, expires_at: change.expiresAtMs })
      .where("id", "=", id)
      .where("refresh_hash", "=", change.from)
      .where("revoked_at", "is", null)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** What can still be used, newest first. */
  async listActive(db: Db, userId: string, nowMs: number, limit: number): Promise<EndUserSessionRow[]> {
    return await db
      .selectFrom("end_user_sessions")
      .selectAll()
      .where("user_id", "=", userId)
      .where("revoked_at", "is", null)
      .where("expires_at", ">", nowMs)
      .orderBy("id", "desc")
      .limit(limit)
      .execute();
  },

  async revoke(db: Db, id: string, reason: string, nowMs: number): Promise<void> {
    await db
      .updateTable("end_user_sessions")
      .set({ revoked_at: nowMs, revoke_reason: reason })
      .where("id", "=", id)
      .where("revoked_at", "is", null)
      .execute();
  },

  async revokeAllOfUser(db: Db, userId: string, reason: string, nowMs: number): Promise<void> {
    await db
      .updateTable("end_user_sessions")
      .set({ revoked_at: nowMs, revoke_reason: reason })
      .where("user_id", "=", userId)
      .where("revoked_at", "is", null)
      .execute();
  },

  /** All but one. */
  async revokeOthers(db: Db, userId: string, keptId: string, reason: string, nowMs: number): Promise<void> {
    await db
      .updateTable("end_user_sessions")
      .set({ revoked_at: nowMs, revoke_reason: reason })
      .where("user_id", "=", userId)
      .where("id", "<>", keptId)
      .where("revoked_at", "is", null)
      .execute();
  },

  async removeExpired(db: Db, nowMs: number): Promise<void> {
    await db.deleteFrom("end_user_sessions").where("expires_at", "<", nowMs).execute();
  },
};
