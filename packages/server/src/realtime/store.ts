import type { Sql } from "../kernel/sql/index.ts";
import { toStorableText } from "../kernel/sql/index.ts";
import type { RealtimeTables } from "./tables.ts";

export interface KeptMessage {
  readonly id: string;
  readonly topic: string;
  readonly event: string;
  readonly data: unknown;
  readonly userId: string | null;
  readonly createdAtMs: number;
}

const DAY_MS = 24 * 60 * 60_000;

/** Messages that were published to be kept. */
export function createRealtimeStore(sql: Sql<RealtimeTables>) {
  const { db } = sql;
  return {
    async keep(projectId: string, { id, topic, event, data, userId, createdAtMs }: KeptMessage): Promise<void> {
      await db
        .insertInto("realtime_messages")
        .values({
          project_id: projectId,
          topic,
          id,
          event: toStorableText(event),
          data: toStorableText(JSON.stringify(data ?? null)),
          user_id: userId,
          created_at: createdAtMs,
        })
        .execute();
    },

    /** The newest first. `before`: a time in Unix milliseconds, or the id of a message. */
    async history(
      { projectId, topic, notBeforeMs }: { projectId: string; topic: string; notBeforeMs: number },
      limit: number,
      before: number | string | undefined,
    ): Promise<KeptMessage[]> {
      let query = db
        .selectFrom("realtime_messages")
        .selectAll()
        .where("project_id", "=", projectId)
        .where("topic", "=", topic)
        .where("created_at", ">", notBeforeMs);
      if (typeof before === "number") query = query.where("created_at", "<", before);
      else if (before !== undefined) query = query.where("id", "<", before);
      const rows = await query.orderBy("id", "desc").limit(limit).execute();
      return rows.map((row) => ({
        id: row.id,
        topic: row.topic,
        event: row.event,
        data: JSON.parse(row.data),
        userId: row.user_id,
        createdAtMs: row.created_at,
      }));
    },

    /** Removes what is older than each project keeps it. */
    async removeExpired(
      now: number,
      { leastDays, daysOf }: { readonly leastDays: number; readonly daysOf: (projectId: string) => Promise<number> },
    ): Promise<void> {
      const projects = await db
        .selectFrom("realtime_messages")
        .select("project_id")
        .distinct()
        .where("created_at", "<=", now - leastDays * DAY_MS)
        .execute();
      for (const { project_id: projectId } of projects) {
        const days = await daysOf(projectId);
        await db
          .deleteFrom("realtime_messages")
          .where("project_id", "=", projectId)
          .where("created_at", "<=", now - days * DAY_MS)
          .execute();
      }
    },

    async deleteProject(projectId: string): Promise<void> {
      await db.deleteFrom("realtime_messages").where("project_id", "=", projectId).execute();
    },
  };
}

export type RealtimeStore = ReturnType<typeof createRealtimeStore>;
