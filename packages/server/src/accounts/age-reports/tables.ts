import type { SqlMigrations } from "../../kernel/sql/index.ts";

export interface AgeReportTables {
  /** That an account belongs to somebody under 16. */
  age_reports: {
    id: string;
    /** Of the account that was reported, which need not exist; null once it is decided. */
    email: string | null;
    statement: string | null;
    /** `open`, `upheld` or `dismissed`. */
    status: string;
    created_at: number;
    decided_at: number | null;
    /** The operator's account. */
    decided_by: string | null;
  };
}

export const ageReportMigrations: SqlMigrations = {
  "0029_age_reports": {
    async up(db, types) {
      await db.schema
        .createTable("age_reports")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("email", types.text)
        .addColumn("statement", types.text)
        .addColumn("status", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("decided_at", types.integer)
        .addColumn("decided_by", types.text)
        .execute();
      await db.schema.createIndex("age_reports_email").on("age_reports").columns(["email", "status"]).execute();
    },
  },
};
