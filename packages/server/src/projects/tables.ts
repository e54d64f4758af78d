import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface ProjectTables {
  projects: {
    id: string;
    /** Who made it, or answers for it since that member left. What people may do is their role in the organisation. */
    owner_id: string;
    organisation_id: string;
    name: string;
    /** Unique over all accounts and permanent: it is part of addresses. */
    slug: string;
    created_at: number;
    updated_at: number;
    /** Set while what belongs to the project is being removed; for everybody it is gone already. */
    deleted_at: number | null;
    /** Set while its organisation's only account is closed: it answers nothing, and nothing of it is lost. */
    suspended_at: number | null;
  };
}

export const projectMigrations: SqlMigrations = {
  "0003_projects": {
    async up(db, types) {
      await db.schema
        .createTable("projects")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("owner_id", types.text, (column) => column.notNull().references("accounts.id"))
        .addColumn("name", types.text, (column) => column.notNull())
        .addColumn("slug", types.text, (column) => column.notNull().unique())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .addColumn("deleted_at", types.integer)
        .execute();
      await db.schema.createIndex("projects_list").on("projects").columns(["owner_id", "id"]).execute();
    },
  },
  "0027_project_suspension": {
    async up(db, types) {
      await db.schema.alterTable("projects").addColumn("suspended_at", types.integer).execute();
    },
  },
};
