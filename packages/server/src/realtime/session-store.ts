import { createHash } from "node:crypto";
import type { Sql } from "../kernel/sql/index.ts";
import type { Filter } from "./filter.ts";
import type { RealtimeTables } from "./tables.ts";

/** Who a session belongs to: all of it must be the same when the client returns. */
export interface SessionOwner {
  readonly projectId: string;
  readonly credential: string;
  readonly userId: string | null;
  /** Of a client that says no more of itself than its key. */
  readonly address: string;
}

/** A subscription as it is restored. */
export interface SessionTopic {
  /** As the client called it. */
  readonly topic: string;
  readonly filter: Filter | null;
  /** Of the last event that was handed to the client. */
  readonly seq: number;
}

export interface Session {
  readonly id: string;
  readonly projectId: string;
  readonly topics: readonly SessionTopic[];
  /** The server that its connection is open on; null once it was closed. */
  readonly node: string | null;
  /** Unix milliseconds: up to then it was handed everything; null where the numbers of its topics say so. */
  readonly handedUntilMs: number | null;
  readonly expiresAtMs: number;
}

export interface FoundSession extends Session {
  /** When its server was heard of last; null: not at all. */
  readonly nodeSeenAtMs: number | null;
}

/** A client that is away for longer starts anew. */
export const SESSION_MS = 2 * 60_000;
const MAX_TOPICS = 200;
const ROWS_PER_STATEMENT = 100;

export function sessionIdOf({ projectId, credential, userId, address }: SessionOwner): string {
  return createHash("sha256")
    .update(JSON.stringify([projectId, credential, userId, address]))
    .digest("hex");
}

/** Where every server sees what the clients of each are subscribed to, and which servers live. */
export function createSessionStore(sql: Sql<RealtimeTables>) {
  const { db } = sql;

  function* chunks<Item>(items: readonly Item[]): Generator<readonly Item[]> {
    for (let from = 0; from < items.length; from += ROWS_PER_STATEMENT)
      yield items.slice(from, from + ROWS_PER_STATEMENT);
  }

  return {
    /** Each session once. @param until ends the work early where it takes too long */
    async put(sessions: readonly Session[], isTooLate: () => boolean = () => false): Promise<void> {
      for (const chunk of chunks(sessions)) {
        if (isTooLate()) return;
        const rows = chunk.map((session) => ({
          id: session.id,
          project_id: session.projectId,
          topics: JSON.stringify(session.topics.slice(0, MAX_TOPICS)),
          node: session.node,
          handed_until: session.handedUntilMs,
          expires_at: session.expiresAtMs,
        }));
        await db
          .insertInto("realtime_sessions")
          .values(rows)
          .onConflict((conflict) =>
            conflict.column("id").doUpdateSet((eb) => ({
              topics: eb.ref("excluded.topics"),
              node: eb.ref("excluded.node"),
              handed_until: eb.ref("excluded.handed_until"),
              expires_at: eb.ref("excluded.expires_at"),
            })),
          )
          .execute();
      }
    },

    async find(ids: readonly string[]): Promise<Map<string, FoundSession>> {
      const found = new Map<string, FoundSession>();
      for (const chunk of chunks(ids)) {
        const rows = await db
          .selectFrom("realtime_sessions")
          .leftJoin("realtime_nodes", "realtime_nodes.node", "realtime_sessions.node")
          .selectAll("realtime_sessions")
          .select("realtime_nodes.seen_at")
          .where("id", "in", chunk)
          .execute();
        for (const row of rows) {
          found.set(row.id, {
            id: row.id,
            projectId: row.project_id,
            topics: JSON.parse(row.topics) as SessionTopic[],
            node: row.node,
            handedUntilMs: row.handed_until,
            expiresAtMs: row.expires_at,
            nodeSeenAtMs: row.seen_at,
          });
        }
      }
      return found;
    },

    /** A server says that it lives. */
    async seeNode(node: string, now: number): Promise<void> {
      await db
        .insertInto("realtime_nodes")
        .values({ node, seen_at: now })
        .onConflict((conflict) => conflict.column("node").doUpdateSet({ seen_at: now }))
        .execute();
    },

    async removeExpired(now: number): Promise<void> {
      // Longer than the sessions that name them.
      await db
        .deleteFrom("realtime_nodes")
        .where("seen_at", "<=", now - 2 * SESSION_MS)
        .execute();
      const nodes = db.selectFrom("realtime_nodes").select("node");
      await db
        .deleteFrom("realtime_sessions")
        .where((eb) =>
          eb.or([
            eb.and([eb("node", "is", null), eb("expires_at", "<=", now)]),
            eb.and([eb("node", "is not", null), eb("node", "not in", nodes)]),
          ]),
        )
        .execute();
    },

    async deleteProject(projectId: string): Promise<void> {
      await db.deleteFrom("realtime_sessions").where("project_id", "=", projectId).execute();
    },
  };
}

export type SessionStore = ReturnType<typeof createSessionStore>;
