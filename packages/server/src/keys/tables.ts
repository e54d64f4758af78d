import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface ProjectKeyTables {
  project_keys: {
    id: string;
    project_id: string;
    name: string;
    kind: "public" | "secret";
    prefix: string;
    hash: string;
    created_at: number;
    expires_at: number | null;
    last_used_at: number | null;
    revoked_at: number | null;
  };
}

export const projectKeyMigrations: SqlMigrations = {
  "0004_project_keys": {
    async up(db, types) {
      await db.schema
        .createTable("project_keys")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("name", types.text, (column) => column.notNull())
        .addColumn("kind", types.text, (column) => column.notNull())
        .addColumn("prefix", types.text, (column) => column.notNull())
        .addColumn("hash", types.text, (column) => column.notNull().unique())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer)
        .addColumn("last_used_at", types.integer)
        .addColumn("revoked_at", types.integer)
        .execute();
      await db.schema.createIndex("project_keys_list").on("project_keys").columns(["project_id", "id"]).execute();
    },
  },
};
