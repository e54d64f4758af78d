import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface IdempotencyTables {
  idempotent_calls: {
    /** Hash of who calls, what, and the key. */
    id: string;
    /** Hash of the body. */
    fingerprint: string;
    /** The sealed answer; null while the first call runs. */
    answer: string | null;
    created_at: number;
  };
}

export const idempotencyMigrations: SqlMigrations = {
  "0005_idempotent_calls": {
    async up(db, types) {
      await db.schema
        .createTable("idempotent_calls")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("fingerprint", types.text, (column) => column.notNull())
        .addColumn("answer", types.text)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("idempotent_calls_age").on("idempotent_calls").column("created_at").execute();
    },
  },
};
