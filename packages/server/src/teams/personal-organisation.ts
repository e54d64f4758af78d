import type { Kysely } from "kysely";
import { PERSONAL_ORGANISATION_NAME, personalOrganisationId, type TeamTables } from "./tables.ts";

/** Gives a new account the organisation that its first projects belong to; in the transaction that makes the account. */
export async function addPersonalOrganisation<Tables>(
  trx: Kysely<Tables>,
  account: { readonly id: string; readonly created_at: number },
): Promise<void> {
  const db = trx as unknown as Kysely<TeamTables>;
  const id = personalOrganisationId(account.id);
  await db
    .insertInto("organisations")
    .values({
      id,
      name: PERSONAL_ORGANISATION_NAME,
      personal_account_id: account.id,
      picture_id: null,
      picture_blob: null,
      created_at: account.created_at,
      updated_at: account.created_at,
    })
    .execute();
  await db
    .insertInto("organisation_members")
    .values({ organisation_id: id, account_id: account.id, role: "owner", created_at: account.created_at })
    .execute();
}
