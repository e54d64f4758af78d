import type { Kysely } from "kysely";
import { memberStore } from "./member-store.ts";
import type { TeamTables } from "./tables.ts";

/** One of somebody's organisations, as it matters when they go for good. */
export interface MembershipAtEnd {
  readonly organisationId: string;
  readonly name: string;
  readonly isPersonal: boolean;
  readonly isOwner: boolean;
  readonly otherMembers: number;
  readonly otherOwners: number;
}

export async function membershipsAtEnd<Tables>(
  anyDb: Kysely<Tables>,
  accountId: string,
): Promise<readonly MembershipAtEnd[]> {
  const db = anyDb as unknown as Kysely<TeamTables>;
  const rows = await db
    .selectFrom("organisation_members as own")
    .innerJoin("organisations as organisation", "organisation.id", "own.organisation_id")
    .leftJoin("organisation_members as other", (join) =>
      join.onRef("other.organisation_id", "=", "own.organisation_id").on("other.account_id", "!=", accountId),
    )
    .select(["organisation.id", "organisation.name", "organisation.personal_account_id", "own.role"])
    .select((eb) => [
      eb.fn.count<number>("other.account_id").as("others"),
      eb.fn.sum<number | null>(eb.case().when("other.role", "=", "owner").then(1).else(0).end()).as("owners"),
    ])
    .where("own.account_id", "=", accountId)
    .groupBy(["organisation.id", "organisation.name", "organisation.personal_account_id", "own.role"])
    .orderBy("organisation.id")
    .execute();
  return rows.map((row) => ({
    organisationId: row.id,
    name: row.name,
    isPersonal: row.personal_account_id === accountId,
    isOwner: row.role === "owner",
    otherMembers: Number(row.others),
    otherOwners: Number(row.owners ?? 0),
  }));
}

/** An organisation whose last owner is gone. Nobody becomes one unasked: it waits until an operator appoints a member. */
export interface OwnerlessOrganisation {
  readonly id: string;
  readonly name: string;
}

/**
 * In the transaction that removes an account: takes it out of all its organisations. Those that nobody else is in, and its own,
 * are removed; their projects have to be gone.
 *
 * @returns those that it was the last owner of by now
 */
export async function departFromAll<Tables>(
  anyTrx: Kysely<Tables>,
  accountId: string,
): Promise<readonly OwnerlessOrganisation[]> {
  const trx = anyTrx as unknown as Kysely<TeamTables>;
  const ownerless: OwnerlessOrganisation[] = [];
  for (const membership of await membershipsAtEnd(trx, accountId)) {
    const { organisationId, name, isPersonal, isOwner, otherMembers, otherOwners } = membership;
    if (isPersonal || otherMembers === 0) {
      await trx.deleteFrom("organisations").where("id", "=", organisationId).execute();
      continue;
    }
    // Somebody has to stand for the projects that it made; that gives no right.
    await memberStore.remove(trx, organisationId, accountId, await heirOf(trx, organisationId, accountId));
    if (isOwner && otherOwners === 0) ownerless.push({ id: organisationId, name });
  }
  return ownerless;
}

async function heirOf(trx: Kysely<TeamTables>, organisationId: string, accountId: string): Promise<string> {
  const heir = await trx
    .selectFrom("organisation_members")
    .select("account_id")
    .where("organisation_id", "=", organisationId)
    .where("account_id", "!=", accountId)
    .orderBy((eb) => eb.case().when("role", "=", "owner").then(0).else(1).end())
    .orderBy("created_at")
    .orderBy("account_id")
    .executeTakeFirstOrThrow();
  return heir.account_id;
}

/** Invitations to an address whose account is deleted. */
export async function removeInvitationsOf<Tables>(anyTrx: Kysely<Tables>, email: string): Promise<void> {
  const trx = anyTrx as unknown as Kysely<TeamTables>;
  await trx.deleteFrom("organisation_invitations").where("email", "=", email).execute();
}
