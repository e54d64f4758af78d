import type { SqlMigrations } from "../../kernel/sql/index.ts";

export interface ConsentTables {
  /** Each time that somebody said yes or no. A line is never changed; the newest of a purpose counts. */
  account_consents: {
    id: string;
    account_id: string;
    purpose: string;
    granted: number;
    /** Of the wording that was agreed to. */
    version: string;
    /** Where it was said. */
    source: string;
    created_at: number;
  };
}

export const consentMigrations: SqlMigrations = {
  "0026_account_consents": {
    async up(db, types) {
      await db.schema
        .createTable("account_consents")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("purpose", types.text, (column) => column.notNull())
        .addColumn("granted", types.integer, (column) => column.notNull())
        .addColumn("version", types.text, (column) => column.notNull())
        .addColumn("source", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("account_consents_list")
        .on("account_consents")
        .columns(["account_id", "id"])
        .execute();
    },
  },
};
