import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface NoticeTables {
  /** What accounts were told, as they were told it: later texts do not change what somebody has read. */
  notices: {
    id: string;
    account_id: string;
    template: string;
    severity: string;
    title: string;
    text: string;
    /** Of the dashboard. */
    page: string | null;
    created_at: number;
    read_at: number | null;
  };
}

export const noticeMigrations: SqlMigrations = {
  "0020_notices": {
    async up(db, types) {
      await db.schema
        .createTable("notices")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("template", types.text, (column) => column.notNull())
        .addColumn("severity", types.text, (column) => column.notNull())
        .addColumn("title", types.text, (column) => column.notNull())
        .addColumn("text", types.text, (column) => column.notNull())
        .addColumn("page", types.text)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("read_at", types.integer)
        .execute();
      await db.schema.createIndex("notices_list").on("notices").columns(["account_id", "id"]).execute();
      await db.schema.createIndex("notices_age").on("notices").column("created_at").execute();
    },
  },
};
