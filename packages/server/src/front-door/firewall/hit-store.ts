import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../../kernel/page.ts";
import type { FrontDoorTables } from "../tables.ts";

export type FirewallHitRow = Selectable<FrontDoorTables["firewall_hits"]>;
type Db = Kysely<FrontDoorTables>;

/** What makes hits of a day alike, beside their project. */
export type HitKey = Pick<FirewallHitRow, "rule" | "action" | "path" | "parameter">;

export const hitStore = {
  async list(db: Db, projectId: string, { limit, cursor }: PageRequest): Promise<FirewallHitRow[]> {
    let query = db.selectFrom("firewall_hits").selectAll().where("project_id", "=", projectId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async keysOf(db: Db, projectId: string, day: number): Promise<HitKey[]> {
    return await db
      .selectFrom("firewall_hits")
      .select(["rule", "action", "path", "parameter"])
      .where("project_id", "=", projectId)
      .where("day", "=", day)
      .execute();
  },

  /** Adds to the line that there is, or begins one. */
  async add(db: Db, row: FirewallHitRow): Promise<void> {
    await db
      .insertInto("firewall_hits")
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(["project_id", "day", "rule", "action", "path", "parameter"]).doUpdateSet((eb) => ({
          count: eb("firewall_hits.count", "+", row.count),
          last_at: row.last_at,
          last_request_id: row.last_request_id,
          last_ip: row.last_ip,
          last_region: row.last_region,
        })),
      )
      .execute();
  },

  async removeBefore(db: Db, day: number): Promise<void> {
    await db.deleteFrom("firewall_hits").where("day", "<", day).execute();
  },
};
