import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Sql } from "../kernel/sql/index.ts";
import type { RealtimeTables } from "./tables.ts";

/** A room that a message was just kept in is not forgotten so soon: histories go back days. */
const KNOWN_MS = 60_000;
const MAX_KNOWN = 10_000;

/**
 * Counts a project's rooms over all servers: topics that messages are kept in. A room counts from its first kept message
 * until its last one has expired.
 */
export function createRoomQuota({ sql, clock }: { readonly sql: Sql<RealtimeTables>; readonly clock: Clock }) {
  const { db } = sql;
  /** Full topic, which names its project → until when it need not be looked up. */
  const known = new Map<string, number>();

  function note(topic: string): void {
    known.delete(topic);
    known.set(topic, clock.now() + KNOWN_MS);
    if (known.size <= MAX_KNOWN) return;
    const [oldest] = known.keys();
    if (oldest !== undefined) known.delete(oldest);
  }

  return {
    /**
     * Takes a place for a topic, unless it has one.
     *
     * @param limit rooms of the plan; null: no limit
     * @throws RATE_LIMIT_EXCEEDED
     */
    async enter(projectId: string, topic: string, limit: number | null): Promise<void> {
      if ((known.get(topic) ?? 0) > clock.now()) return;
      const entered = await sql.transaction(async (trx) => {
        const here = await trx
          .selectFrom("realtime_rooms")
          .select("topic")
          .where("project_id", "=", projectId)
          .where("topic", "=", topic)
          .executeTakeFirst();
        if (here !== undefined) return true;
        if (limit !== null && (await count(trx, projectId)) >= limit) return false;
        await trx.insertInto("realtime_rooms").values({ project_id: projectId, topic }).execute();
        return true;
      });
      if (!entered) throw full(limit);
      note(topic);
    },

    count: (projectId: string): Promise<number> => count(db, projectId),

    /** Rooms in which nothing is kept any more. */
    async removeEmpty(): Promise<void> {
      await db
        .deleteFrom("realtime_rooms")
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom("realtime_messages")
                .select("id")
                .whereRef("realtime_messages.project_id", "=", "realtime_rooms.project_id")
                .whereRef("realtime_messages.topic", "=", "realtime_rooms.topic"),
            ),
          ),
        )
        .execute();
    },

    async deleteProject(projectId: string): Promise<void> {
      for (const topic of known.keys()) if (topic.endsWith(`/${projectId}`)) known.delete(topic);
      await db.deleteFrom("realtime_rooms").where("project_id", "=", projectId).execute();
    },
  };
}

export type RoomQuota = ReturnType<typeof createRoomQuota>;

async function count(db: Pick<Sql<RealtimeTables>["db"], "selectFrom">, projectId: string): Promise<number> {
  const { rooms } = await db
    .selectFrom("realtime_rooms")
    .select(({ fn }) => fn.countAll().as("rooms"))
    .where("project_id", "=", projectId)
    .executeTakeFirstOrThrow();
  return Number(rooms);
}

function full(limit: number | null): AerostackError {
  return new AerostackError("RATE_LIMIT_EXCEEDED", {
    message: `The project keeps messages in ${limit} rooms, as many as its plan allows.`,
    fix: "Publish to a room that is there, publish without 'persist', or choose a larger plan.",
    details: { limit },
  });
}
