import type { SqlMigrations } from "../kernel/sql/index.ts";

export type AuditEntryRow = {
  /** Sorts by time. */
  id: string;
  time: number;
  actor_kind: string;
  actor_id: string | null;
  credential_id: string | null;
  action: string;
  target_kind: string;
  target_id: string | null;
  project_id: string | null;
  organisation_id: string | null;
  ip: string | null;
  region: string | null;
  user_agent: string | null;
  request_id: string | null;
  /** Canonical JSON. */
  before: string | null;
  after: string | null;
};

/** Types, not interfaces, because Kysely adds them to other tables by an index signature. */
export type AuditTables = {
  audit_entries: AuditEntryRow;
  /** Entries that are committed and not in the chain yet; filled by a trigger. */
  audit_pending: { entry_id: string };
  /** Entry `seq` of the chain: SHA-256 of the hash before it and the entry. */
  audit_chain: { seq: number; entry_id: string; hash: string };
  /** One row, locked by whoever adds to the chain: its end, signed. */
  audit_head: { id: number; seq: number; hash: string; signed_at: number; signature: string };
  /** Ends of the chain from time to time, signed, so that the past cannot be computed anew. */
  audit_checkpoints: { seq: number; hash: string; signed_at: number; signature: string };
};

/** What the first entry's hash is computed with. */
export const CHAIN_START = "0".repeat(64);

export const auditMigrations: SqlMigrations = {
  "0035_audit": {
    async up(db, types) {
      // No foreign keys: what is told of a project or account stays when it is gone.
      await db.schema
        .createTable("audit_entries")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("time", types.integer, (column) => column.notNull())
        .addColumn("actor_kind", types.text, (column) => column.notNull())
        .addColumn("actor_id", types.text)
        .addColumn("credential_id", types.text)
        .addColumn("action", types.text, (column) => column.notNull())
        .addColumn("target_kind", types.text, (column) => column.notNull())
        .addColumn("target_id", types.text)
        .addColumn("project_id", types.text)
        .addColumn("organisation_id", types.text)
        .addColumn("ip", types.text)
        .addColumn("region", types.text)
        .addColumn("user_agent", types.text)
        .addColumn("request_id", types.text)
        .addColumn("before", types.text)
        .addColumn("after", types.text)
        .execute();
      for (const column of ["project_id", "organisation_id", "actor_id", "target_id"] as const) {
        await db.schema.createIndex(`audit_entries_${column}`).on("audit_entries").columns([column, "id"]).execute();
      }
      await db.schema
        .createTable("audit_pending")
        .addColumn("entry_id", types.text, (column) => column.primaryKey())
        .execute();
      await db.schema
        .createTable("audit_chain")
        .addColumn("seq", types.integer, (column) => column.primaryKey())
        .addColumn("entry_id", types.text, (column) => column.notNull().unique())
        .addColumn("hash", types.text, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("audit_head")
        .addColumn("id", types.integer, (column) => column.primaryKey())
        .addColumn("seq", types.integer, (column) => column.notNull())
        .addColumn("hash", types.text, (column) => column.notNull())
        .addColumn("signed_at", types.integer, (column) => column.notNull())
        .addColumn("signature", types.text, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("audit_checkpoints")
        .addColumn("seq", types.integer, (column) => column.primaryKey())
        .addColumn("hash", types.text, (column) => column.notNull())
        .addColumn("signed_at", types.integer, (column) => column.notNull())
        .addColumn("signature", types.text, (column) => column.notNull())
        .execute();
      await db
        .withTables<AuditTables>()
        .insertInto("audit_head")
        .values({ id: 1, seq: 0, hash: CHAIN_START, signed_at: 0, signature: "" })
        .execute();
      await types.makeAppendOnly(db, "audit_entries");
      await types.makeAppendOnly(db, "audit_chain");
      await types.makeAppendOnly(db, "audit_checkpoints");
      await types.copyInserted(db, { from: "audit_entries", column: "id", to: "audit_pending", as: "entry_id" });
    },
  },
};
