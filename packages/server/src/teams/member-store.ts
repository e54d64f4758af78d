import type { Kysely } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { TeamTables } from "./tables.ts";

type Db = Kysely<TeamTables>;

/** A member with what others may know of the account. */
export interface MemberRecord {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly role: string;
  readonly joinedAtMs: number;
}

function members(db: Db, organisationId: string) {
  return db
    .selectFrom("organisation_members as member")
    .innerJoin("accounts as account", "account.id", "member.account_id")
    .select(["account.id", "account.email", "account.name", "member.role", "member.created_at as joinedAtMs"])
    .where("member.organisation_id", "=", organisationId);
}

export const memberStore = {
  async insert(trx: Db, organisationId: string, accountId: string, role: string, nowMs: number): Promise<void> {
    await trx
      .insertInto("organisation_members")
      .values({ organisation_id: organisationId, account_id: accountId, role, created_at: nowMs })
      .execute();
  },

  async find(db: Db, organisationId: string, accountId: string): Promise<MemberRecord | undefined> {
    return await members(db, organisationId).where("account.id", "=", accountId).executeTakeFirst();
  },

  async findByEmail(db: Db, organisationId: string, email: string): Promise<MemberRecord | undefined> {
    return await members(db, organisationId).where("account.email", "=", email).executeTakeFirst();
  },

  async list(db: Db, organisationId: string, { limit, cursor }: PageRequest): Promise<MemberRecord[]> {
    let query = members(db, organisationId);
    if (cursor !== undefined) query = query.where("account.id", ">", cursor);
    return await query
      .orderBy("account.id")
      .limit(limit + 1)
      .execute();
  },

  async setRole(trx: Db, organisationId: string, accountId: string, role: string): Promise<void> {
    await trx
      .updateTable("organisation_members")
      .set({ role })
      .where("organisation_id", "=", organisationId)
      .where("account_id", "=", accountId)
      .execute();
  },

  async ownerIds(db: Db, organisationId: string): Promise<readonly string[]> {
    const rows = await db
      .selectFrom("organisation_members")
      .select("account_id")
      .where("organisation_id", "=", organisationId)
      .where("role", "=", "owner")
      .orderBy("created_at")
      .orderBy("account_id")
      .execute();
    return rows.map(({ account_id }) => account_id);
  },

  /** With all that the member had of it; projects that they made are answered for by `heirId` from then on. */
  async remove(trx: Db, organisationId: string, accountId: string, heirId: string): Promise<void> {
    await trx
      .deleteFrom("organisation_members")
      .where("organisation_id", "=", organisationId)
      .where("account_id", "=", accountId)
      .execute();
    await trx
      .deleteFrom("project_access")
      .where("account_id", "=", accountId)
      .where("project_id", "in", (eb) =>
        eb.selectFrom("projects").select("projects.id").where("organisation_id", "=", organisationId),
      )
      .execute();
    await trx
      .updateTable("projects")
      .set({ owner_id: heirId })
      .where("organisation_id", "=", organisationId)
      .where("owner_id", "=", accountId)
      .execute();
    await trx
      .deleteFrom("ownership_offers")
      .where("organisation_id", "=", organisationId)
      .where((eb) => eb.or([eb("from_account_id", "=", accountId), eb("to_account_id", "=", accountId)]))
      .execute();
    await trx
      .updateTable("organisation_invitations")
      .set({ status: "revoked" })
      .where("organisation_id", "=", organisationId)
      .where("invited_by", "=", accountId)
      .where("status", "=", "pending")
      .execute();
  },
};
