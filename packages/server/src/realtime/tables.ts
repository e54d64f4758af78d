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
  /** What a connection that was lost had subscribed to, for a client that comes back without asking again. */
  realtime_sessions: {
    /** Hash of project, credential and user. */
    id: string;
    project_id: string;
    /** JSON list of topics as the client called them. */
    topics: string;
    expires_at: number;
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
};
