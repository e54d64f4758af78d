import type { OneTimeCodeRow } from "../../identity/one-time-codes.ts";
import type { OneTimeTokenRow } from "../../identity/one-time-tokens.ts";
import type { PasskeyRow } from "../../identity/passkeys/passkeys.ts";
import type { SqlMigrations } from "../../kernel/sql/index.ts";

export type WayInTables = {
  /** Who somebody is at another provider. */
  account_identities: {
    provider: string;
    /** SHA-256 of issuer and subject. */
    subject_hash: string;
    account_id: string;
    /** As the provider told it. */
    email: string | null;
    created_at: number;
    last_used_at: number | null;
  };
  /** `user_id` is the account's. */
  account_passkeys: PasskeyRow;
  /** Accounts whose log-in by one factor asks for a passkey as the second. */
  account_passkey_steps: { account_id: string; created_at: number };
  /** Codes that were sent by mail. */
  account_codes: OneTimeCodeRow;
  /** Ways of browsers to other providers and back, and challenges of passkeys. */
  account_way_in_tokens: OneTimeTokenRow;
};

export const wayInMigrations: SqlMigrations = {
  "0066_account_ways_in": {
    async up(db, types) {
      await db.schema
        .createTable("account_identities")
        .addColumn("provider", types.text, (column) => column.notNull())
        .addColumn("subject_hash", types.text, (column) => column.notNull())
        .addColumn("account_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("email", types.text)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("last_used_at", types.integer)
        .addPrimaryKeyConstraint("account_identities_key", ["provider", "subject_hash"])
        .execute();
      // One identity of each provider, so that the provider's name says which.
      await db.schema
        .createIndex("account_identities_account")
        .on("account_identities")
        .columns(["account_id", "provider"])
        .unique()
        .execute();
      await db.schema
        .createTable("account_way_in_tokens")
        .addColumn("hash", types.text, (column) => column.primaryKey())
        .addColumn("user_id", types.text, (column) => column.references("accounts.id").onDelete("cascade"))
        .addColumn("kind", types.text, (column) => column.notNull())
        .addColumn("data", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("account_way_in_tokens_expiry")
        .on("account_way_in_tokens")
        .column("expires_at")
        .execute();
    },
  },
  "0067_account_passkeys_and_codes": {
    async up(db, types) {
      await db.schema
        .createTable("account_passkeys")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("user_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .addColumn("public_key", types.text, (column) => column.notNull())
        .addColumn("counter", types.integer, (column) => column.notNull())
        .addColumn("transports", types.text, (column) => column.notNull())
        .addColumn("is_backed_up", types.integer, (column) => column.notNull())
        .addColumn("name", types.text)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("last_used_at", types.integer)
        .execute();
      await db.schema.createIndex("account_passkeys_user").on("account_passkeys").column("user_id").execute();
      await db.schema
        .createTable("account_passkey_steps")
        .addColumn("account_id", types.text, (column) =>
          column.primaryKey().references("accounts.id").onDelete("cascade"),
        )
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("account_codes")
        .addColumn("target", types.text, (column) => column.primaryKey())
        .addColumn("code_hash", types.text)
        .addColumn("code_expires_at", types.integer, (column) => column.notNull())
        .addColumn("failures", types.integer, (column) => column.notNull())
        .addColumn("window_started_at", types.integer, (column) => column.notNull())
        .addColumn("locked_until", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("account_codes_expiry").on("account_codes").column("expires_at").execute();
    },
  },
};
