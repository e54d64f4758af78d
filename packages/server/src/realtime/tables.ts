import type { Kysely } from "kysely";
import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface RealtimeTables extends RealtimeRuleTables {
  /** Messages that were published to be kept. */
  realtime_messages: {
    project_id: string;
    topic: string;
    id: string;
    event: string;
    /** JSON text. */
    data: string;
    user_id: string | null;
    created_at: number;
  };
  /** What clients are, or were lately, subscribed to, for those that come back without asking again. */
  realtime_sessions: {
    /** Hash of project, credential and user. */
    id: string;
    project_id: string;
    /** JSON list of `SessionTopic`. */
    topics: string;
    /** The server that has the connection; null once it was closed. */
    node: string | null;
    /** When everything had left for the client; null: the topics' own numbers say what had. */
    handed_until: number | null;
    /** Of one that was closed. */
    expires_at: number;
  };
  /** What projects have published in a month. */
  realtime_usage: {
    project_id: string;
    /** `2026-06`, in UTC. */
    month: string;
    messages: number;
  };
  /** Topics that messages are kept in. */
  realtime_rooms: {
    project_id: string;
    topic: string;
  };
  /** Servers that have clients. */
  realtime_nodes: {
    node: string;
    seen_at: number;
  };
}

export interface RealtimeRuleTables {
  realtime_rules: {
    project_id: string;
    /** JSON list. */
    rules: string;
    updated_at: number;
  };
}

export const realtimeMigrations: SqlMigrations = {
  "0059_realtime_usage": {
    async up(db, { text, integer }) {
      await db.schema
        .createTable("realtime_usage")
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("month", text, (column) => column.notNull())
        .addColumn("messages", integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("realtime_usage_key", ["project_id", "month"])
        .execute();
    },
  },
  "0600_realtime": {
    async up(db, { text, integer, clustered }) {
      await db.schema
        .createTable("realtime_messages")
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("topic", text, (column) => column.notNull())
        .addColumn("id", text, (column) => column.notNull())
        .addColumn("event", text, (column) => column.notNull())
        .addColumn("data", text, (column) => column.notNull())
        .addColumn("user_id", text)
        .addColumn("created_at", integer, (column) => column.notNull())
        // Messages of one topic lie together and in order of time, which is how they are read.
        .addPrimaryKeyConstraint("realtime_messages_key", ["project_id", "topic", "id"])
        .modifyEnd(clustered)
        .execute();
      await db.schema.createIndex("realtime_messages_age").on("realtime_messages").column("created_at").execute();
      await db.schema
        .createTable("realtime_sessions")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("topics", text, (column) => column.notNull())
        .addColumn("expires_at", integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("realtime_sessions_expiry").on("realtime_sessions").column("expires_at").execute();
    },
  },
  "0601_realtime_rules": {
    async up(db, { text, integer }) {
      await db.schema
        .createTable("realtime_rules")
        .addColumn("project_id", text, (column) => column.primaryKey())
        .addColumn("rules", text, (column) => column.notNull())
        .addColumn("updated_at", integer, (column) => column.notNull())
        .execute();
    },
  },
  "0602_realtime_sessions": {
    async up(db, { text, integer }) {
      // They live for two minutes; those of the version before say less.
      await db.schema.dropTable("realtime_sessions").execute();
      await db.schema
        .createTable("realtime_sessions")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("topics", text, (column) => column.notNull())
        .addColumn("node", text)
        .addColumn("handed_until", integer)
        .addColumn("expires_at", integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("realtime_sessions_project").on("realtime_sessions").column("project_id").execute();
      await db.schema
        .createTable("realtime_nodes")
        .addColumn("node", text, (column) => column.primaryKey())
        .addColumn("seen_at", integer, (column) => column.notNull())
        .execute();
    },
  },
  "0603_realtime_rooms": {
    async up(db, { text }) {
      await db.schema
        .createTable("realtime_rooms")
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("topic", text, (column) => column.notNull())
        .addPrimaryKeyConstraint("realtime_rooms_key", ["project_id", "topic"])
        .execute();
      const tables = db as Kysely<RealtimeTables>;
      await tables
        .insertInto("realtime_rooms")
        .columns(["project_id", "topic"])
        .expression((eb) => eb.selectFrom("realtime_messages").select(["project_id", "topic"]).distinct())
        .execute();
    },
  },
};
