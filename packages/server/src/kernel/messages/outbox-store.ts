import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../page.ts";
import type { OutboxTables } from "./tables.ts";

export type OutboxRow = Selectable<OutboxTables["outbox_messages"]>;
type Db = Kysely<OutboxTables>;

export const outboxStore = {
  async insert(db: Db, row: OutboxRow): Promise<void> {
    await db.insertInto("outbox_messages").values(row).execute();
  },

  async listDue(db: Db, nowMs: number, limit: number): Promise<OutboxRow[]> {
    return await db
      .selectFrom("outbox_messages")
      .selectAll()
      .where("status", "=", "queued")
      .where("next_attempt_at", "<=", nowMs)
      .orderBy("next_attempt_at")
      .limit(limit)
      .execute();
  },

  /** Takes a message for one attempt. False when another server was first, or it is not due any more. */
  async claim(db: Db, row: OutboxRow, nextAttemptAtMs: number): Promise<boolean> {
    const claimed = await db
      .updateTable("outbox_messages")
      .set({ next_attempt_at: nextAttemptAtMs, attempts: row.attempts + 1 })
      .where("id", "=", row.id)
      .where("status", "=", "queued")
      .where("attempts", "=", row.attempts)
      .returning("id")
      .executeTakeFirst();
    return claimed !== undefined;
  },

  async settle(
    db: Db,
    id: string,
    outcome: Pick<OutboxRow, "status" | "error"> & Partial<Pick<OutboxRow, "content" | "sender" | "next_attempt_at">>,
  ): Promise<void> {
    await db.updateTable("outbox_messages").set(outcome).where("id", "=", id).execute();
  },

  async list(db: Db, projectId: string | null, { limit, cursor }: PageRequest): Promise<OutboxRow[]> {
    let query = db
      .selectFrom("outbox_messages")
      .selectAll()
      .where("project_id", projectId === null ? "is" : "=", projectId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async find(db: Db, projectId: string | null, id: string): Promise<OutboxRow | undefined> {
    return await db
      .selectFrom("outbox_messages")
      .selectAll()
      .where("project_id", projectId === null ? "is" : "=", projectId)
      .where("id", "=", id)
      .executeTakeFirst();
  },

  async removeExpired(db: Db, nowMs: number): Promise<void> {
    await db.deleteFrom("outbox_messages").where("expires_at", "<=", nowMs).execute();
  },

  /** Leaves each project its newest messages. */
  async trim(db: Db, keep: number): Promise<void> {
    const crowded = await db
      .selectFrom("outbox_messages")
      .select("project_id")
      .groupBy("project_id")
      .having((eb) => eb.fn.countAll<number>(), ">", keep)
      .execute();
    for (const { project_id } of crowded) {
      const ofProject = () =>
        db.selectFrom("outbox_messages").where("project_id", project_id === null ? "is" : "=", project_id);
      const last = await ofProject().select("id").orderBy("id", "desc").offset(keep).limit(1).executeTakeFirst();
      if (last === undefined) continue;
      await db
        .deleteFrom("outbox_messages")
        .where("project_id", project_id === null ? "is" : "=", project_id)
        .where("id", "<=", last.id)
        .execute();
    }
  },
};
