import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { DomainTables } from "./tables.ts";

export type DomainRow = Selectable<DomainTables["custom_domains"]>;
type Db = Kysely<DomainTables>;

export const domainStore = {
  /** False when the project claims this name already. */
  async insert(db: Db, row: DomainRow): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto("custom_domains")
      .values(row)
      .onConflict((conflict) => conflict.columns(["project_id", "hostname"]).doNothing())
      .executeTakeFirst();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  },

  async count(db: Db, projectId: string): Promise<number> {
    const { count } = await db
      .selectFrom("custom_domains")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("project_id", "=", projectId)
      .executeTakeFirstOrThrow();
    return Number(count);
  },

  async list(db: Db, projectId: string, { limit, cursor }: PageRequest): Promise<DomainRow[]> {
    let query = db.selectFrom("custom_domains").selectAll().where("project_id", "=", projectId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async findOfProject(db: Db, projectId: string, idOrHostname: string): Promise<DomainRow | undefined> {
    return await db
      .selectFrom("custom_domains")
      .selectAll()
      .where("project_id", "=", projectId)
      .where((eb) => eb.or([eb("id", "=", idOrHostname), eb("hostname", "=", idOrHostname)]))
      .executeTakeFirst();
  },

  async findServed(db: Db, hostname: string): Promise<DomainRow | undefined> {
    return await db
      .selectFrom("custom_domains")
      .selectAll()
      .where("hostname", "=", hostname)
      .where("status", "=", "active")
      .executeTakeFirst();
  },

  /** Those of these names that are served; all for null. */
  async listServed(db: Db, hostnames: readonly string[] | null): Promise<DomainRow[]> {
    const query = db.selectFrom("custom_domains").selectAll().where("status", "=", "active");
    return await (hostnames === null ? query : query.where("hostname", "in", hostnames)).execute();
  },

  async listDue(db: Db, nowMs: number, limit: number): Promise<DomainRow[]> {
    return await db
      .selectFrom("custom_domains")
      .selectAll()
      .where("status", "=", "active")
      .where("next_check_at", "<=", nowMs)
      .orderBy("next_check_at")
      .limit(limit)
      .execute();
  },

  /** Takes a due check. False when another server was first. */
  async claimCheck(db: Db, row: DomainRow, nextCheckAtMs: number): Promise<boolean> {
    const claimed = await db
      .updateTable("custom_domains")
      .set({ next_check_at: nextCheckAtMs })
      .where("id", "=", row.id)
      .where("status", "=", "active")
      .where("next_check_at", "=", row.next_check_at)
      .returning("id")
      .executeTakeFirst();
    return claimed !== undefined;
  },

  /** False when there is no such row, or it is not in that status any more. */
  async update(db: Db, id: string, values: Partial<DomainRow>, status?: DomainRow["status"]): Promise<boolean> {
    let query = db.updateTable("custom_domains").set(values).where("id", "=", id);
    if (status !== undefined) query = query.where("status", "=", status);
    const { numUpdatedRows } = await query.executeTakeFirst();
    return numUpdatedRows > 0n;
  },

  async remove(db: Db, projectId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom("custom_domains")
      .where("project_id", "=", projectId)
      .where("id", "=", id)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  },

  async removeOfProject(db: Db, projectId: string): Promise<void> {
    await db.deleteFrom("custom_domains").where("project_id", "=", projectId).execute();
  },

  async listOfProject(db: Db, projectId: string): Promise<DomainRow[]> {
    return await db.selectFrom("custom_domains").selectAll().where("project_id", "=", projectId).execute();
  },

  async removeForgotten(db: Db, createdBeforeMs: number): Promise<void> {
    await db
      .deleteFrom("custom_domains")
      .where("status", "=", "pending")
      .where("created_at", "<", createdBeforeMs)
      .execute();
  },
};
