import type { Kysely } from "kysely";
import { organisationNotFound } from "./organisation.ts";
import type { TeamTables } from "./tables.ts";

/**
 * Keeps an organisation as it is until the transaction ends: what makes a project in it and what deletes it wait for each
 * other, so that neither meets what the other has left.
 *
 * @throws NOT_FOUND when it is gone
 */
export async function holdOrganisation<Tables>(trx: Kysely<Tables>, organisationId: string): Promise<void> {
  const held = await (trx as unknown as Kysely<TeamTables>)
    .updateTable("organisations")
    .set((eb) => ({ updated_at: eb.ref("updated_at") }))
    .where("id", "=", organisationId)
    .returning("id")
    .executeTakeFirst();
  if (held === undefined) throw organisationNotFound();
}
