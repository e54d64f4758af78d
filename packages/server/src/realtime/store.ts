import { createHash } from "node:crypto";
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

/** Who a restored session belongs to: all of it must be the same when the client returns. */
export interface SessionOwner {
  readonly projectId: string;
  readonly credential: string;
  readonly userId: string | null;
  /** Of a client that says no more of itself than its key. */
  readonly address: string;
}

const MAX_TOPICS = 200;
/** Kept messages of every project; how long is the plan's to say. */
const KEPT_FOR_MS = 365 * 24 * 60 * 60_000;
/** A client that is away for longer starts anew. */
const SESSION_MS = 2 * 60_000;

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
      projectId: string,
      topic: string,
      limit: number,
      before: number | string | undefined,
    ): Promise<KeptMessage[]> {
      let query = db
        .selectFrom("realtime_messages")
        .selectAll()
        .where("project_id", "=", projectId)
        .where("topic", "=", topic);
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

    async rememberTopics(owner: SessionOwner, topics: readonly string[], now: number): Promise<void> {
      const row = {
        id: sessionId(owner),
        project_id: owner.projectId,
        topics: JSON.stringify(topics.slice(0, MAX_TOPICS)),
        expires_at: now + SESSION_MS,
      };
      await db
        .insertInto("realtime_sessions")
        .values(row)
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ topics: row.topics, expires_at: row.expires_at }))
        .execute();
    },

    /** What the client was subscribed to when it was lost; empty for one that is new, or was away too long. */
    async recallTopics(owner: SessionOwner, now: number): Promise<readonly string[]> {
      const row = await db
        .selectFrom("realtime_sessions")
        .select("topics")
        .where("id", "=", sessionId(owner))
        .where("expires_at", ">", now)
        .executeTakeFirst();
      return row === undefined ? [] : (JSON.parse(row.topics) as string[]);
    },

    async removeExpired(now: number): Promise<void> {
      await db.deleteFrom("realtime_sessions").where("expires_at", "<=", now).execute();
      await db
        .deleteFrom("realtime_messages")
        .where("created_at", "<=", now - KEPT_FOR_MS)
        .execute();
    },

    async deleteProject(projectId: string): Promise<void> {
      await db.deleteFrom("realtime_sessions").where("project_id", "=", projectId).execute();
      await db.deleteFrom("realtime_messages").where("project_id", "=", projectId).execute();
    },
  };
}

export type RealtimeStore = ReturnType<typeof createRealtimeStore>;

function sessionId({ projectId, credential, userId, address }: SessionOwner): string {
  return createHash("sha256")
    .update(JSON.stringify([projectId, credential, userId, address]))
    .digest("hex");
}
