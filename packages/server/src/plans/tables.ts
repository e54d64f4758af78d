import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface PlanTables {
  /** Projects for which a plan was chosen; all others have the installation's default. */
  project_plans: {
    project_id: string;
    plan: string;
    updated_at: number;
  };
}

export const planMigrations: SqlMigrations = {
  "0055_project_plans": {
    async up(db, { text, integer }) {
      await db.schema
        .createTable("project_plans")
        .addColumn("project_id", text, (column) => column.primaryKey())
        .addColumn("plan", text, (column) => column.notNull())
        .addColumn("updated_at", integer, (column) => column.notNull())
        .execute();
    },
  },
};
