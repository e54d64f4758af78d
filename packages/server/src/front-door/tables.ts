import type { BlockKind } from "@aerostack/contracts";
import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface FrontDoorTables {
  /** Accounts with certificate authorities, by the address of their directory. */
  acme_accounts: {
    directory_url: string;
    account_url: string | null;
    /** The account's private key as PEM, sealed. */
    private_key: string;
    created_at: number;
  };
  /** Hosts that are served with certificates of an authority, and the certificates. */
  acme_certificates: {
    hostname: string;
    /** The chain as PEM; null until the first was issued. */
    certificate: string | null;
    /** PEM, sealed. */
    private_key: string | null;
    not_after: number | null;
    /** When something is to be done for it next. */
    due_at: number;
    /** Whoever works on it has it until then. */
    lease_until: number;
    failures: number;
    last_error: string | null;
    created_at: number;
    updated_at: number;
  };
  /** What an authority reads at `/.well-known/acme-challenge/<token>`, from whichever server it reaches. */
  acme_challenges: { token: string; key_authorization: string; expires_at: number };
  /** What projects chose for their front door. No row: what the installation does. */
  front_door_settings: {
    /** Empty: the installation itself. */
    project_id: string;
    /** JSON (`settings/front-door-settings.ts`). */
    settings: string;
    updated_at: number;
  };
  /** What the firewall found, counted: a line for a day's hits that are alike. */
  firewall_hits: {
    id: string;
    /** Empty: of no project, or of the management interface. */
    project_id: string;
    /** When the day began, in UTC. */
    day: number;
    rule: number;
    action: "detected" | "blocked";
    /** Without its query; empty: of many. */
    path: string;
    /** Empty: the path itself, or of many. */
    parameter: string;
    count: number;
    first_at: number;
    last_at: number;
    last_request_id: string;
    last_ip: string | null;
    last_region: string | null;
  };
  /** Who is kept out; a block that is over stays as its own history. */
  blocks: {
    id: string;
    kind: BlockKind;
    /** An id; of a network its canonical form. */
    subject: string;
    /** Of an end user, or of a project's key. */
    project_id: string | null;
    reason: string;
    is_reason_public: number;
    created_at: number;
    created_by: string;
    ends_at: number | null;
    lifted_at: number | null;
    lifted_by: string | null;
    lift_reason: string | null;
  };
}

export const frontDoorMigrations: SqlMigrations = {
  "0040_acme": {
    async up(db, types) {
      await db.schema
        .createTable("acme_accounts")
        .addColumn("directory_url", types.text, (column) => column.primaryKey())
        .addColumn("account_url", types.text)
        .addColumn("private_key", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("acme_certificates")
        .addColumn("hostname", types.text, (column) => column.primaryKey())
        .addColumn("certificate", types.text)
        .addColumn("private_key", types.text)
        .addColumn("not_after", types.integer)
        .addColumn("due_at", types.integer, (column) => column.notNull())
        .addColumn("lease_until", types.integer, (column) => column.notNull())
        .addColumn("failures", types.integer, (column) => column.notNull())
        .addColumn("last_error", types.text)
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema.createIndex("acme_certificates_due").on("acme_certificates").column("due_at").execute();
      await db.schema
        .createTable("acme_challenges")
        .addColumn("token", types.text, (column) => column.primaryKey())
        .addColumn("key_authorization", types.text, (column) => column.notNull())
        .addColumn("expires_at", types.integer, (column) => column.notNull())
        .execute();
    },
  },
  "0041_front_door_settings": {
    async up(db, { text, integer }) {
      await db.schema
        .createTable("front_door_settings")
        .addColumn("project_id", text, (column) => column.primaryKey())
        .addColumn("settings", text, (column) => column.notNull())
        .addColumn("updated_at", integer, (column) => column.notNull())
        .execute();
    },
  },
  "0042_firewall_hits": {
    async up(db, { text, integer }) {
      await db.schema
        .createTable("firewall_hits")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("day", integer, (column) => column.notNull())
        .addColumn("rule", integer, (column) => column.notNull())
        .addColumn("action", text, (column) => column.notNull())
        .addColumn("path", text, (column) => column.notNull())
        .addColumn("parameter", text, (column) => column.notNull())
        .addColumn("count", integer, (column) => column.notNull())
        .addColumn("first_at", integer, (column) => column.notNull())
        .addColumn("last_at", integer, (column) => column.notNull())
        .addColumn("last_request_id", text, (column) => column.notNull())
        .addColumn("last_ip", text)
        .addColumn("last_region", text)
        .addUniqueConstraint("firewall_hits_alike", ["project_id", "day", "rule", "action", "path", "parameter"])
        .execute();
      await db.schema.createIndex("firewall_hits_listed").on("firewall_hits").columns(["project_id", "id"]).execute();
      await db.schema.createIndex("firewall_hits_old").on("firewall_hits").column("day").execute();
    },
  },
  "0060_blocks": {
    async up(db, { text, integer }) {
      // No foreign keys: what is told of an account or project stays when it is gone.
      await db.schema
        .createTable("blocks")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("kind", text, (column) => column.notNull())
        .addColumn("subject", text, (column) => column.notNull())
        .addColumn("project_id", text)
        .addColumn("reason", text, (column) => column.notNull())
        .addColumn("is_reason_public", integer, (column) => column.notNull())
        .addColumn("created_at", integer, (column) => column.notNull())
        .addColumn("created_by", text, (column) => column.notNull())
        .addColumn("ends_at", integer)
        .addColumn("lifted_at", integer)
        .addColumn("lifted_by", text)
        .addColumn("lift_reason", text)
        .execute();
      await db.schema.createIndex("blocks_subject").on("blocks").columns(["kind", "subject", "id"]).execute();
      await db.schema.createIndex("blocks_lifted").on("blocks").columns(["lifted_at", "ends_at"]).execute();
    },
  },
};
