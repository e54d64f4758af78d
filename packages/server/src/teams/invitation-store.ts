import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { TeamTables } from "./tables.ts";

type Db = Kysely<TeamTables>;
export type InvitationRow = Selectable<TeamTables["organisation_invitations"]>;

export const invitationStore = {
  async insert(trx: Db, row: InvitationRow): Promise<void> {
    await trx.insertInto("organisation_invitations").values(row).execute();
  },

  async findByToken(db: Db, tokenHash: string): Promise<InvitationRow | undefined> {
    return await db
      .selectFrom("organisation_invitations")
      .selectAll()
      .where("token_hash", "=", tokenHash)
      .executeTakeFirst();
  },

  async list(db: Db, organisationId: string, { limit, cursor }: PageRequest): Promise<InvitationRow[]> {
    let query = db.selectFrom("organisation_invitations").selectAll().where("organisation_id", "=", organisationId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async countPending(db: Db, organisationId: string, nowMs: number): Promise<number> {
    const { count } = await db
      .selectFrom("organisation_invitations")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("organisation_id", "=", organisationId)
      .where("status", "=", "pending")
      .where("expires_at", ">", nowMs)
      .executeTakeFirstOrThrow();
    return count;
  },

  /** Ends one that nobody has decided about; undefined when there is none. */
  async decide(
    trx: Db,
    id: string,
    status: "accepted" | "declined" | "revoked",
    nowMs: number,
  ): Promise<InvitationRow | undefined> {
    return await trx
      .updateTable("organisation_invitations")
      .set({ status, decided_at: nowMs })
      .where("id", "=", id)
      .where("status", "=", "pending")
      .returningAll()
      .executeTakeFirst();
  },

  async revokeForEmail(trx: Db, organisationId: string, email: string, nowMs: number): Promise<void> {
    await trx
      .updateTable("organisation_invitations")
      .set({ status: "revoked", decided_at: nowMs })
      .where("organisation_id", "=", organisationId)
      .where("email", "=", email)
      .where("status", "=", "pending")
      .execute();
  },
};
