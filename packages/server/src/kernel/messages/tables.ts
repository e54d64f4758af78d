import type { SqlMigrations } from "../sql/index.ts";

export interface OutboxTables {
  outbox_messages: {
    id: string;
    /** Null: a message of the installation itself. */
    project_id: string | null;
    channel: string;
    /** What it is about, such as `reset-password`. */
    kind: string;
    /** The message as JSON, sealed: it may hold a code or a link that logs somebody in. Null once it was sent. */
    content: string | null;
    /** `held`: there is no sender, it waits to be read here · `queued` · `sent` · `failed`. */
    status: string;
    sender: string | null;
    error: string | null;
    attempts: number;
    created_at: number;
    /** For queued ones: not before. */
    next_attempt_at: number;
    /** From then on nobody tries to send it. */
    useful_until: number;
    /** When it goes. */
    expires_at: number;
  };
}

export const outboxMigrations: SqlMigrations = {
  "0200_outbox": {
    async up(db, types) {
      await db.schema
        .createTable("outbox_messages")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.references("projects.id").onDelete("cascade"))
        .addColumn("channel", types.text, (column) => column.notNull())
        .addColumn("kind", types.text, (column) => column.notNull())
        .addColumn("content", types.text)
        .addColumn("status", types.text, (column) => column.notNull())
        .addColumn("sender", types.text)
        .addColumn("error", types.text)
        .addColumn("attempts", types.integer, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("next_attempt_at", types.integer, (column) => column.notNull())
        .addColumn("useful_until", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("outbox_messages_list").on("outbox_messages").columns(["project_id", "id"]).execute();
      await db.schema
        .createIndex("outbox_messages_due")
        .on("outbox_messages")
        .columns(["status", "next_attempt_at"])
        .execute();
      await db.schema.createIndex("outbox_messages_expiry").on("outbox_messages").column("expires_at").execute();
    },
  },
};
