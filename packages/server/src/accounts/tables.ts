import { sql } from "kysely";
import type { OneTimeTokenRow } from "../identity/one-time-tokens.ts";
import type { SqlMigrations } from "../kernel/sql/index.ts";
import type { KeyColumns } from "../keys/tables.ts";
import type { PictureColumns } from "./pictures/tables.ts";

export interface AccountTables {
  accounts: PictureColumns & {
    id: string;
    /** Trimmed and lower-cased. */
    email: string;
    name: string | null;
    password_hash: string;
    is_admin: number;
    /** When somebody proved to read the mail of the address; null: nobody has. */
    email_verified_at: number | null;
    /** Of the IANA database. */
    time_zone: string | null;
    /** A language tag (BCP 47). */
    locale: string | null;
    /** Set while it waits for its deletion. */
    closed_at: number | null;
    created_at: number;
    updated_at: number;
  };
  account_keys: KeyColumns & { account_id: string };
  /** A log-in: the family of all refresh tokens that came of it. */
  sessions: {
    id: string;
    account_id: string;
    created_at: number;
    revoked_at: number | null;
    revoke_reason: string | null;
    /** As a person would call it, such as `Firefox on Linux`: what it was opened with. */
    device: string | null;
    ip: string | null;
    /** Of its last refresh; null: there was none. */
    last_used_at: number | null;
    /** When its owner last proved to be there; null: before there was such a proof. */
    proven_at: number | null;
    /** Through whose single sign-on it was opened; null: in another way. */
    sign_on_organisation_id: string | null;
  };
  refresh_tokens: {
    hash: string;
    session_id: string;
    created_at: number;
    expires_at: number;
    used_at: number | null;
  };
  /** Wrong passwords by the hour (UTC), until they are written to the audit log. */
  account_login_failures: { account_id: string; hour: number; failures: number };
  device_logins: {
    device_hash: string;
    user_code_hash: string;
    client_id: string;
    status: string;
    account_id: string | null;
    created_at: number;
    expires_at: number;
    interval_ms: number;
    next_poll_at: number;
  };
  setup_tokens: { hash: string; created_at: number };
  /** What links in mails to accounts hold, and log-ins that wait for their second step. */
  account_tokens: OneTimeTokenRow;
}

export const accountMigrations: SqlMigrations = {
  "0002_accounts": {
    async up(db, types) {
      await db.schema
        .createTable("accounts")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("email", types.text, (column) => column.notNull().unique())
        .addColumn("name", types.text)
        .addColumn("password_hash", types.text, (column) => column.notNull())
        .addColumn("is_admin", types.integer, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("account_keys")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("name", types.text, (column) => column.notNull())
        .addColumn("prefix", types.text, (column) => column.notNull())
        .addColumn("hash", types.text, (column) => column.notNull().unique())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("last_used_at", types.integer)
        .addColumn("revoked_at", types.integer)
        .execute();
      await db.schema.createIndex("account_keys_list").on("account_keys").columns(["account_id", "id"]).execute();
      await db.schema
        .createTable("sessions")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("revoked_at", types.integer)
        .addColumn("revoke_reason", types.text)
        .execute();
      await db.schema.createIndex("sessions_account").on("sessions").column("account_id").execute();
      await db.schema
        .createTable("refresh_tokens")
        .addColumn("hash", types.text, (column) => column.primaryKey())
        .addColumn("session_id", types.text, (column) => column.notNull().references("sessions.id").onDelete("cascade"))
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .addColumn("used_at", types.integer)
        .execute();
      await db.schema.createIndex("refresh_tokens_session").on("refresh_tokens").column("session_id").execute();
      await db.schema.createIndex("refresh_tokens_expiry").on("refresh_tokens").column("expires_at").execute();
      await db.schema
        .createTable("device_logins")
        .addColumn("device_hash", types.text, (column) => column.primaryKey())
        .addColumn("user_code_hash", types.text, (column) => column.notNull().unique())
        .addColumn("client_id", types.text, (column) => column.notNull())
        .addColumn("status", types.text, (column) => column.notNull())
        .addColumn("account_id", types.text, (column) => column.references("accounts.id").onDelete("cascade"))
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .addColumn("interval_ms", types.integer, (column) => column.notNull())
        .addColumn("next_poll_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("setup_tokens")
        .addColumn("hash", types.text, (column) => column.primaryKey())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
    },
  },
  "0021_account_tokens": {
    async up(db, types) {
      await db.schema
        .createTable("account_tokens")
        .addColumn("hash", types.text, (column) => column.primaryKey())
        .addColumn("user_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("kind", types.text, (column) => column.notNull())
        .addColumn("data", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("account_tokens_user").on("account_tokens").columns(["user_id", "kind"]).execute();
      await db.schema.createIndex("account_tokens_expiry").on("account_tokens").column("expires_at").execute();
    },
  },
  "0022_account_email_verified": {
    async up(db, types) {
      await db.schema.alterTable("accounts").addColumn("email_verified_at", types.integer).execute();
      // Accounts from before there was a mail to answer count as verified.
      await sql`update accounts set email_verified_at = created_at`.execute(db);
    },
  },
  "0023_session_devices": {
    async up(db, types) {
      await db.schema.alterTable("sessions").addColumn("device", types.text).execute();
      await db.schema.alterTable("sessions").addColumn("ip", types.text).execute();
      await db.schema.alterTable("sessions").addColumn("last_used_at", types.integer).execute();
    },
  },
  "0068_session_proofs": {
    async up(db, types) {
      await db.schema.alterTable("sessions").addColumn("proven_at", types.integer).execute();
    },
  },
  "0024_account_lifecycle": {
    async up(db, types) {
      await db.schema.alterTable("accounts").addColumn("time_zone", types.text).execute();
      await db.schema.alterTable("accounts").addColumn("locale", types.text).execute();
      await db.schema.alterTable("accounts").addColumn("closed_at", types.integer).execute();
      await db.schema.createIndex("accounts_closed").on("accounts").column("closed_at").execute();
    },
  },
  "0028_account_login_failures": {
    async up(db, types) {
      await db.schema
        .createTable("account_login_failures")
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("hour", types.integer, (column) => column.notNull())
        .addColumn("failures", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("account_login_failures_key", ["account_id", "hour"])
        .execute();
      await db.schema.createIndex("account_login_failures_hour").on("account_login_failures").column("hour").execute();
    },
  },
};
