import type { SqlMigrations } from "../../kernel/sql/index.ts";

export interface QueueEndpointTables {
  /** Addresses that take a queue's messages over HTTP. */
  queue_endpoints: {
    project_id: string;
    queue: string;
    url: string;
    max_retries: number;
    dead_letter_queue: string;
    /** The signing secrets as JSON, sealed: the sender must know them to sign. */
    secrets: string;
    created_at: number;
    updated_at: number;
  };
}

export const queueEndpointMigrations: SqlMigrations = {
  "0500_queue_endpoints": {
    async up(db, types) {
      await db.schema
        .createTable("queue_endpoints")
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("queue", types.text, (column) => column.notNull())
        .addColumn("url", types.text, (column) => column.notNull())
        .addColumn("max_retries", types.integer, (column) => column.notNull())
        .addColumn("dead_letter_queue", types.text, (column) => column.notNull())
        .addColumn("secrets", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("queue_endpoints_key", ["project_id", "queue"])
        .execute();
    },
  },
};
