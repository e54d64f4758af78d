import type { Kysely, Selectable } from "kysely";
import type { QueueEndpointTables } from "./tables.ts";

export type EndpointRow = Selectable<QueueEndpointTables["queue_endpoints"]>;
type Db = Kysely<QueueEndpointTables>;

export const endpointStore = {
  async find(db: Db, projectId: string, queue: string): Promise<EndpointRow | undefined> {
    return await db
      .selectFrom("queue_endpoints")
      .selectAll()
      .where("project_id", "=", projectId)
      .where("queue", "=", queue)
      .executeTakeFirst();
  },

  async list(db: Db, projectId: string): Promise<EndpointRow[]> {
    return await db
      .selectFrom("queue_endpoints")
      .selectAll()
      .where("project_id", "=", projectId)
      .orderBy("queue")
      .execute();
  },

  /** @returns false when there is one already */
  async insert(db: Db, row: EndpointRow): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto("queue_endpoints")
      .values(row)
      .onConflict((conflict) => conflict.columns(["project_id", "queue"]).doNothing())
      .executeTakeFirst();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  },

  async update(db: Db, projectId: string, queue: string, values: Partial<EndpointRow>): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable("queue_endpoints")
      .set(values)
      .where("project_id", "=", projectId)
      .where("queue", "=", queue)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  },

  async remove(db: Db, projectId: string, queue: string): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom("queue_endpoints")
      .where("project_id", "=", projectId)
      .where("queue", "=", queue)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  },
};
