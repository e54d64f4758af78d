import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface StorageTables {
  s3_access_keys: {
    access_key_id: string;
    project_id: string;
    name: string;
    access: "read-write" | "read-only";
    /** Sealed: a signature is checked with the secret itself, so a hash of it would not do. */
    secret: string;
    created_at: number;
    revoked_at: number | null;
  };
  /** The limited account key that made a credential: its limits are the credential's, and its end too. */
  s3_key_makers: { access_key_id: string; project_id: string; account_key_id: string };
}

export const storageMigrations: SqlMigrations = {
  "0037_s3_key_makers": {
    async up(db, types) {
      await db.schema
        .createTable("s3_key_makers")
        .addColumn("access_key_id", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("account_key_id", types.text, (column) => column.notNull())
        .execute();
    },
  },
  "0400_s3_access_keys": {
    async up(db, types) {
      await db.schema
        .createTable("s3_access_keys")
        .addColumn("access_key_id", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("name", types.text, (column) => column.notNull())
        .addColumn("access", types.text, (column) => column.notNull())
        .addColumn("secret", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("revoked_at", types.integer)
        .execute();
      await db.schema
        .createIndex("s3_access_keys_list")
        .on("s3_access_keys")
        .columns(["project_id", "access_key_id"])
        .execute();
    },
  },
};
