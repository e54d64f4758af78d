import { sql as raw } from "kysely";
import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface DomainTables {
  custom_domains: {
    id: string;
    project_id: string;
    /** ASCII, lower case. Several projects may claim one; one may have it. */
    hostname: string;
    /** Stands in the DNS, for everybody to read. */
    token: string;
    status: "pending" | "active" | "suspended";
    /** JSON. */
    routes: string;
    serves_api: number;
    created_at: number;
    updated_at: number;
    verified_at: number | null;
    last_checked_at: number | null;
    /** For those that are served: not before. */
    next_check_at: number | null;
    proof_missing_since: number | null;
  };
}

export const domainMigrations: SqlMigrations = {
  "0045_custom_domains": {
    async up(db, types) {
      await db.schema
        .createTable("custom_domains")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("hostname", types.text, (column) => column.notNull())
        .addColumn("token", types.text, (column) => column.notNull())
        .addColumn("status", types.text, (column) => column.notNull())
        .addColumn("routes", types.text, (column) => column.notNull())
        .addColumn("serves_api", types.integer, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .addColumn("verified_at", types.integer)
        .addColumn("last_checked_at", types.integer)
        .addColumn("next_check_at", types.integer)
        .addColumn("proof_missing_since", types.integer)
        .addUniqueConstraint("custom_domains_claim", ["project_id", "hostname"])
        .execute();
      // Whatever races: a domain is served for one project.
      await db.schema
        .createIndex("custom_domains_served")
        .unique()
        .on("custom_domains")
        .column("hostname")
        .where(raw<boolean>`status = 'active'`)
        .execute();
      await db.schema.createIndex("custom_domains_due").on("custom_domains").column("next_check_at").execute();
    },
  },
};
