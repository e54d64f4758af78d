import { createKnownNetworksTable, type KnownNetworkRow } from "../identity/known-networks.ts";
import type { PasskeyRow } from "../identity/passkeys/passkeys.ts";
import type { RecoveryCodeRow, TotpRow } from "../identity/totp/totp-store.ts";
import type { SqlMigrations } from "../kernel/sql/index.ts";

/** Users of projects, as against the accounts of developers. Whatever is here belongs to exactly one project. */
export interface EndUserTables {
  end_users: {
    /** UUID version 7. */
    id: string;
    project_id: string;
    /** Trimmed and lower-cased; null for users who came by phone or anonymously. */
    email: string | null;
    email_verified_at: number | null;
    /** E.164. */
    phone: string | null;
    phone_verified_at: number | null;
    name: string | null;
    /** Null: cannot log in by password. */
    password_hash: string | null;
    avatar_url: string | null;
    /** JSON objects. */
    custom_fields: string;
    metadata: string;
    is_anonymous: number;
    blocked_at: number | null;
    created_at: number;
    updated_at: number;
    last_sign_in_at: number | null;
  };
  /** A log-in: the family of all refresh tokens that came of it, of which one is valid. */
  end_user_sessions: {
    id: string;
    project_id: string;
    user_id: string;
    /** SHA-256 of the one refresh token that is valid. */
    refresh_hash: string;
    created_at: number;
    last_used_at: number;
    expires_at: number;
    ip: string | null;
    user_agent: string | null;
    /** Methods, separated by spaces. */
    methods: string;
    revoked_at: number | null;
    revoke_reason: string | null;
  };
  /** Links that work once: to confirm an address, to set a new password, to log in. */
  end_user_tokens: {
    /** SHA-256. */
    hash: string;
    project_id: string;
    user_id: string | null;
    kind: string;
    /** JSON. */
    data: string;
    created_at: number;
    expires_at: number;
  };
  /** One row for each address or number that a code was sent to. */
  end_user_otps: {
    project_id: string;
    /** HMAC of the address or number. */
    target: string;
    /** HMAC of the code that is valid; null: there is none. */
    code_hash: string | null;
    code_expires_at: number;
    /** Wrong codes since `window_started_at`. */
    failures: number;
    window_started_at: number;
    locked_until: number;
    /** When the row says nothing any more. */
    expires_at: number;
  };
  /** Who somebody is at another provider. Nothing of the provider is kept but the e-mail address that it told. */
  end_user_identities: {
    project_id: string;
    /** As the project's settings call it. */
    provider: string;
    /** SHA-256 of issuer and subject. */
    subject_hash: string;
    user_id: string;
    email: string | null;
    created_at: number;
  };
  end_user_totp: TotpRow & { project_id: string };
  end_user_recovery_codes: RecoveryCodeRow;
  /** One row for a user whose address somebody signed up with and did not confirm. */
  end_user_sign_ups: { user_id: string; password_hash: string; created_at: number };
  /** From where users logged in last. */
  end_user_known_networks: KnownNetworkRow;
  end_user_passkeys: PasskeyRow & { project_id: string };
  end_user_signing_keys: {
    kid: string;
    project_id: string;
    /** JWK, sealed by the envelope. */
    private_key: string;
    /** JWK. */
    public_key: string;
    created_at: number;
  };
  end_user_settings: {
    project_id: string;
    /** JSON: what differs from the defaults. */
    settings: string;
    /** Credentials among them, sealed. */
    secrets: string | null;
    updated_at: number;
  };
}

export const endUserMigrations: SqlMigrations = {
  "0300_end_users": {
    async up(db, types) {
      await db.schema
        .createTable("end_users")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("email", types.text)
        .addColumn("email_verified_at", types.integer)
        .addColumn("phone", types.text)
        .addColumn("phone_verified_at", types.integer)
        .addColumn("name", types.text)
        .addColumn("password_hash", types.text)
        .addColumn("avatar_url", types.text)
        .addColumn("custom_fields", types.text, (column) => column.notNull())
        .addColumn("metadata", types.text, (column) => column.notNull())
        .addColumn("is_anonymous", types.integer, (column) => column.notNull())
        .addColumn("blocked_at", types.integer)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .addColumn("last_sign_in_at", types.integer)
        .execute();
      await db.schema.createIndex("end_users_list").on("end_users").columns(["project_id", "id"]).execute();
      for (const column of ["email", "phone"]) {
        await db.schema
          .createIndex(`end_users_${column}`)
          .unique()
          .on("end_users")
          .columns(["project_id", column])
          .execute();
      }
      await db.schema
        .createTable("end_user_sessions")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull())
        .addColumn("user_id", types.text, (column) => column.notNull().references("end_users.id").onDelete("cascade"))
        .addColumn("refresh_hash", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("last_used_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .addColumn("ip", types.text)
        .addColumn("user_agent", types.text)
        .addColumn("methods", types.text, (column) => column.notNull())
        .addColumn("revoked_at", types.integer)
        .addColumn("revoke_reason", types.text)
        .execute();
      await db.schema
        .createIndex("end_user_sessions_user")
        .on("end_user_sessions")
        .columns(["user_id", "id"])
        .execute();
      await db.schema.createIndex("end_user_sessions_expiry").on("end_user_sessions").column("expires_at").execute();
      await db.schema
        .createTable("end_user_tokens")
        .addColumn("hash", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("user_id", types.text, (column) => column.references("end_users.id").onDelete("cascade"))
        .addColumn("kind", types.text, (column) => column.notNull())
        .addColumn("data", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("end_user_tokens_user").on("end_user_tokens").columns(["user_id", "kind"]).execute();
      await db.schema.createIndex("end_user_tokens_expiry").on("end_user_tokens").column("expires_at").execute();
      await db.schema
        .createTable("end_user_otps")
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("target", types.text, (column) => column.notNull())
        .addColumn("code_hash", types.text)
        .addColumn("code_expires_at", types.integer, (column) => column.notNull())
        .addColumn("failures", types.integer, (column) => column.notNull())
        .addColumn("window_started_at", types.integer, (column) => column.notNull())
        .addColumn("locked_until", types.integer, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("end_user_otps_key", ["project_id", "target"])
        .execute();
      await db.schema.createIndex("end_user_otps_expiry").on("end_user_otps").column("expires_at").execute();
      await db.schema
        .createTable("end_user_identities")
        .addColumn("project_id", types.text, (column) => column.notNull())
        .addColumn("provider", types.text, (column) => column.notNull())
        .addColumn("subject_hash", types.text, (column) => column.notNull())
        .addColumn("user_id", types.text, (column) => column.notNull().references("end_users.id").onDelete("cascade"))
        .addColumn("email", types.text)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("end_user_identities_key", ["project_id", "provider", "subject_hash"])
        .execute();
      await db.schema.createIndex("end_user_identities_user").on("end_user_identities").column("user_id").execute();
      await db.schema
        .createTable("end_user_totp")
        .addColumn("user_id", types.text, (column) =>
          column.primaryKey().references("end_users.id").onDelete("cascade"),
        )
        .addColumn("project_id", types.text, (column) => column.notNull())
        .addColumn("secret", types.text, (column) => column.notNull())
        .addColumn("confirmed_at", types.integer)
        .addColumn("last_step", types.integer, (column) => column.notNull())
        .addColumn("failures", types.integer, (column) => column.notNull())
        .addColumn("window_started_at", types.integer, (column) => column.notNull())
        .addColumn("locked_until", types.integer, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("end_user_recovery_codes")
        .addColumn("hash", types.text, (column) => column.primaryKey())
        .addColumn("user_id", types.text, (column) => column.notNull().references("end_users.id").onDelete("cascade"))
        .execute();
      await db.schema
        .createIndex("end_user_recovery_codes_user")
        .on("end_user_recovery_codes")
        .column("user_id")
        .execute();
      await db.schema
        .createTable("end_user_passkeys")
        .addColumn("project_id", types.text, (column) => column.notNull())
        .addColumn("id", types.text, (column) => column.notNull())
        .addColumn("user_id", types.text, (column) => column.notNull().references("end_users.id").onDelete("cascade"))
        .addColumn("public_key", types.text, (column) => column.notNull())
        .addColumn("counter", types.integer, (column) => column.notNull())
        .addColumn("transports", types.text, (column) => column.notNull())
        .addColumn("is_backed_up", types.integer, (column) => column.notNull())
        .addColumn("name", types.text)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("last_used_at", types.integer)
        .addPrimaryKeyConstraint("end_user_passkeys_key", ["project_id", "id"])
        .execute();
      await db.schema.createIndex("end_user_passkeys_user").on("end_user_passkeys").column("user_id").execute();
      await db.schema
        .createTable("end_user_signing_keys")
        .addColumn("kid", types.text, (column) => column.primaryKey())
        .addColumn("project_id", types.text, (column) => column.notNull().references("projects.id").onDelete("cascade"))
        .addColumn("private_key", types.text, (column) => column.notNull())
        .addColumn("public_key", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("end_user_signing_keys_project")
        .on("end_user_signing_keys")
        .columns(["project_id", "created_at"])
        .execute();
      await db.schema
        .createTable("end_user_settings")
        .addColumn("project_id", types.text, (column) =>
          column.primaryKey().references("projects.id").onDelete("cascade"),
        )
        .addColumn("settings", types.text, (column) => column.notNull())
        .addColumn("secrets", types.text)
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .execute();
    },
  },
  // After the table of users, which it refers to.
  "0301_end_user_known_networks": {
    async up(db, types) {
      await createKnownNetworksTable(db, types, "end_user_known_networks", "end_users.id");
    },
  },
  "0302_end_user_sign_ups": {
    async up(db, types) {
      await db.schema
        .createTable("end_user_sign_ups")
        .addColumn("user_id", types.text, (column) =>
          column.primaryKey().references("end_users.id").onDelete("cascade"),
        )
        .addColumn("password_hash", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
    },
  },
};
