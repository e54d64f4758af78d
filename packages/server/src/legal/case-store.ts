import type { Kysely, Selectable, Updateable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { LegalTables } from "./tables.ts";

export type LegalCaseRow = Selectable<LegalTables["legal_cases"]>;
export type DisclosureRow = Selectable<LegalTables["legal_disclosures"]>;
type Db = Kysely<LegalTables>;

export const caseStore = {
  async insert(db: Db, row: LegalCaseRow): Promise<void> {
    await db.insertInto("legal_cases").values(row).execute();
  },

  async find(db: Db, id: string): Promise<LegalCaseRow | undefined> {
    return await db.selectFrom("legal_cases").selectAll().where("id", "=", id).executeTakeFirst();
  },

  /** Newest first. */
  async list(db: Db, state: "open" | "closed" | undefined, { limit, cursor }: PageRequest): Promise<LegalCaseRow[]> {
    let query = db.selectFrom("legal_cases").selectAll();
    if (state !== undefined) query = query.where("closed_at", state === "open" ? "is" : "is not", null);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async change(db: Db, id: string, change: Updateable<LegalTables["legal_cases"]>): Promise<LegalCaseRow> {
    return await db
      .updateTable("legal_cases")
      .set(change)
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirstOrThrow();
  },

  async insertDisclosure(db: Db, row: DisclosureRow): Promise<void> {
    await db.insertInto("legal_disclosures").values(row).execute();
  },

  async finishDisclosure(db: Db, id: string, change: Updateable<LegalTables["legal_disclosures"]>): Promise<void> {
    await db.updateTable("legal_disclosures").set(change).where("id", "=", id).execute();
  },

  async listDisclosures(db: Db, caseId: string, { limit, cursor }: PageRequest): Promise<DisclosureRow[]> {
    let query = db.selectFrom("legal_disclosures").selectAll().where("case_id", "=", caseId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },
};
