import type { SqlMigrations } from "../kernel/sql/index.ts";

/** What is stored of every key, of projects and of accounts. */
export interface KeyColumns {
  id: string;
  name: string;
  prefix: string;
  hash: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  last_used_ip: string | null;
  revoked_at: number | null;
  /** JSON array of grants; null: everything that the kind of key may. */
  scopes: string | null;
  /** JSON array of addresses and networks; null: anywhere. */
  allowed_ips: string | null;
  /** Id of the key that was made by rotating this one. */
  replaced_by: string | null;
}

export interface ProjectKeyTables {
  project_keys: KeyColumns & { project_id: string; kind: "public" | "secret" };
  /** Uses of keys from where they may not be used, by the day. */
  key_refusals: {
    key_id: string;
    /** When it began, in UTC. */
    day: number;
    ip: string;
    /** Null: of an account. */
    project_id: string | null;
    count: number;
    first_at: number;
    last_at: number;
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
  "0036_key_limits": {
    async up(db, types) {
      await db.schema.alterTable("account_keys").addColumn("expires_at", types.integer).execute();
      for (const table of ["project_keys", "account_keys"] as const) {
        for (const column of ["last_used_ip", "scopes", "allowed_ips", "replaced_by"] as const) {
          await db.schema.alterTable(table).addColumn(column, types.text).execute();
        }
      }
    },
  },
  "0061_key_refusals": {
    async up(db, types) {
      await db.schema
        .createTable("key_refusals")
        .addColumn("key_id", types.text, (column) => column.notNull())
        .addColumn("day", types.integer, (column) => column.notNull())
        .addColumn("ip", types.text, (column) => column.notNull())
        .addColumn("project_id", types.text)
        .addColumn("count", types.integer, (column) => column.notNull())
        .addColumn("first_at", types.integer, (column) => column.notNull())
        .addColumn("last_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("key_refusals_key", ["key_id", "day", "ip"])
        .execute();
      await db.schema.createIndex("key_refusals_day").on("key_refusals").columns(["day", "last_at"]).execute();
    },
  },
};
