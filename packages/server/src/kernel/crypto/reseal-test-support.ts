import type { SqlMigrations } from "../sql/index.ts";
import type { SealedColumn } from "./sealed-columns.ts";

/** A table with a sealed column, as capabilities have them. */
export interface SecretTables {
  secrets: { project: string; name: string; value: string | null };
}

export const secretMigrations: SqlMigrations = {
  "0001_secrets": {
    async up(db, { text }) {
      await db.schema
        .createTable("secrets")
        .addColumn("project", text, (column) => column.notNull())
        .addColumn("name", text, (column) => column.notNull())
        .addColumn("value", text)
        .addPrimaryKeyConstraint("secrets_key", ["project", "name"])
        .execute();
    },
  },
};

export const contextOf = ({ project, name }: Readonly<Record<string, string>>): string => `secret/${project}/${name}`;

export const SECRETS: SealedColumn = { table: "secrets", key: ["project", "name"], column: "value", contextOf };
