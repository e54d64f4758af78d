import { type Kysely, sql as raw } from "kysely";
import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface TeamTables {
  /** As far as teams look at them. */
  accounts: { id: string; email: string; name: string | null };
  projects: { id: string; organisation_id: string; owner_id: string; updated_at: number; deleted_at: number | null };
  organisations: {
    id: string;
    name: string;
    /** Set for the organisation that every account has of its own; it can neither be left nor given away. */
    personal_account_id: string | null;
    picture_id: string | null;
    picture_blob: string | null;
    created_at: number;
    updated_at: number;
  };
  organisation_members: {
    organisation_id: string;
    account_id: string;
    /** A built-in role's name or a custom role's id. */
    role: string;
    created_at: number;
  };
  organisation_roles: {
    id: string;
    organisation_id: string;
    name: string;
    /** A JSON list. */
    permissions: string;
    created_at: number;
    updated_at: number;
  };
  organisation_invitations: {
    id: string;
    organisation_id: string;
    email: string;
    role: string;
    token_hash: string;
    invited_by: string;
    created_at: number;
    expires_at: number;
    /** `pending`, `accepted`, `declined` or `revoked`. */
    status: string;
    decided_at: number | null;
  };
  /** Ownership that was offered to a member: one offer at a time. */
  ownership_offers: {
    organisation_id: string;
    from_account_id: string;
    to_account_id: string;
    keeps_ownership: number;
    created_at: number;
    expires_at: number;
  };
  /** What a member's role is for one project, in place of the one in the organisation. */
  project_access: {
    project_id: string;
    account_id: string;
    /** `none` hides the project. */
    role: string;
    created_at: number;
  };
}

/** The personal organisation's id says whose it is, so that nothing has to be asked to find it. */
export function personalOrganisationId(accountId: string): string {
  return accountId.replace(/^usr_/, "org_");
}

export const PERSONAL_ORGANISATION_NAME = "Personal";

export const teamMigrations: SqlMigrations = {
  "0030_teams": {
    async up(db, types) {
      await db.schema
        .createTable("organisations")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("name", types.text, (column) => column.notNull())
        .addColumn("personal_account_id", types.text, (column) => column.unique().references("accounts.id"))
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("organisation_members")
        .addColumn("organisation_id", types.text, (column) =>
          column.notNull().references("organisations.id").onDelete("cascade"),
        )
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("role", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("organisation_members_key", ["organisation_id", "account_id"])
        .execute();
      await db.schema
        .createIndex("organisation_members_account")
        .on("organisation_members")
        .column("account_id")
        .execute();
      await db.schema
        .createTable("organisation_roles")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("organisation_id", types.text, (column) =>
          column.notNull().references("organisations.id").onDelete("cascade"),
        )
        .addColumn("name", types.text, (column) => column.notNull())
        .addColumn("permissions", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .addUniqueConstraint("organisation_roles_name", ["organisation_id", "name"])
        .execute();
      await db.schema
        .createTable("organisation_invitations")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("organisation_id", types.text, (column) =>
          column.notNull().references("organisations.id").onDelete("cascade"),
        )
        .addColumn("email", types.text, (column) => column.notNull())
        .addColumn("role", types.text, (column) => column.notNull())
        .addColumn("token_hash", types.text, (column) => column.notNull().unique())
        .addColumn("invited_by", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .addColumn("status", types.text, (column) => column.notNull())
        .addColumn("decided_at", types.integer)
        .execute();
      await db.schema
        .createIndex("organisation_invitations_list")
        .on("organisation_invitations")
        .columns(["organisation_id", "id"])
        .execute();
      await db.schema
        .createTable("ownership_offers")
        .addColumn("organisation_id", types.text, (column) =>
          column.primaryKey().references("organisations.id").onDelete("cascade"),
        )
        .addColumn("from_account_id", types.text, (column) =>
          column.notNull().references("accounts.id").onDelete("cascade"),
        )
        .addColumn("to_account_id", types.text, (column) =>
          column.notNull().references("accounts.id").onDelete("cascade"),
        )
        .addColumn("keeps_ownership", types.integer, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("project_access")
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("role", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("project_access_key", ["project_id", "account_id"])
        .execute();
      await db.schema.createIndex("project_access_account").on("project_access").column("account_id").execute();

      // SQLite cannot add a column that refers to another table and must not be null: the store always writes it.
      await db.schema
        .alterTable("projects")
        .addColumn("organisation_id", types.text, (column) => column.references("organisations.id"))
        .execute();
      await db.schema.createIndex("projects_organisation").on("projects").columns(["organisation_id", "id"]).execute();
      await giveEveryAccountAnOrganisation(db);
    },
  },
};

async function giveEveryAccountAnOrganisation(db: Kysely<unknown>): Promise<void> {
  await raw`
    insert into organisations (id, name, personal_account_id, created_at, updated_at)
    select replace(id, 'usr_', 'org_'), ${PERSONAL_ORGANISATION_NAME}, id, created_at, created_at from accounts
  `.execute(db);
  await raw`
    insert into organisation_members (organisation_id, account_id, role, created_at)
    select replace(id, 'usr_', 'org_'), id, 'owner', created_at from accounts
  `.execute(db);
  await raw`update projects set organisation_id = replace(owner_id, 'usr_', 'org_')`.execute(db);
}
