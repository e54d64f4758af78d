import type { SqlMigrations } from "../../kernel/sql/index.ts";
import type { TeamTables } from "../tables.ts";

export interface SignOnTables extends TeamTables {
  organisation_sign_on: {
    organisation_id: string;
    is_enabled: number;
    is_required: number;
    issuer: string;
    client_id: string;
    /** Sealed. */
    client_secret: string;
    groups_claim: string;
    /** JSON: groups with their roles, the first that somebody has decides. */
    roles: string;
    default_role: string | null;
    updated_at: number;
  };
  /** E-mail domains that an organisation claims. */
  organisation_domains: {
    organisation_id: string;
    domain: string;
    token: string;
    verified_at: number | null;
  };
  /** Who somebody is at an organisation's provider. */
  organisation_identities: {
    organisation_id: string;
    /** SHA-256 of issuer and subject. */
    subject_hash: string;
    account_id: string;
    created_at: number;
  };
  sessions: { id: string; sign_on_organisation_id: string | null };
}

export const signOnMigrations: SqlMigrations = {
  "0069_organisation_sign_on": {
    async up(db, types) {
      await db.schema
        .createTable("organisation_sign_on")
        .addColumn("organisation_id", types.text, (column) =>
          column.primaryKey().references("organisations.id").onDelete("cascade"),
        )
        .addColumn("is_enabled", types.integer, (column) => column.notNull())
        .addColumn("is_required", types.integer, (column) => column.notNull())
        .addColumn("issuer", types.text, (column) => column.notNull())
        .addColumn("client_id", types.text, (column) => column.notNull())
        .addColumn("client_secret", types.text, (column) => column.notNull())
        .addColumn("groups_claim", types.text, (column) => column.notNull())
        .addColumn("roles", types.text, (column) => column.notNull())
        .addColumn("default_role", types.text)
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("organisation_domains")
        .addColumn("organisation_id", types.text, (column) =>
          column.notNull().references("organisations.id").onDelete("cascade"),
        )
        .addColumn("domain", types.text, (column) => column.notNull())
        .addColumn("token", types.text, (column) => column.notNull())
        .addColumn("verified_at", types.integer)
        .addPrimaryKeyConstraint("organisation_domains_key", ["domain", "organisation_id"])
        .execute();
      await db.schema
        .createTable("organisation_identities")
        .addColumn("organisation_id", types.text, (column) =>
          column.notNull().references("organisations.id").onDelete("cascade"),
        )
        .addColumn("subject_hash", types.text, (column) => column.notNull())
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("organisation_identities_key", ["organisation_id", "subject_hash"])
        .execute();
      await db.schema
        .createIndex("organisation_identities_account")
        .on("organisation_identities")
        .columns(["account_id", "organisation_id"])
        .unique()
        .execute();
      await db.schema.alterTable("sessions").addColumn("sign_on_organisation_id", types.text).execute();
    },
  },
};
