import type { LegalSubjectKind } from "@aerostack/contracts";
import type { SqlMigrations } from "../kernel/sql/index.ts";

/** A type, not an interface, because Kysely adds it to other tables by an index signature. */
export type LegalTables = {
  legal_cases: {
    id: string;
    reference: string;
    authority: string;
    legal_basis: string;
    subject_kind: LegalSubjectKind;
    subject_id: string;
    /** Of an end user. */
    project_id: string | null;
    notes: string | null;
    opened_at: number;
    opened_by: string;
    closed_at: number | null;
    closed_by: string | null;
    close_reason: string | null;
    /** The newest hold; those before it stand in the audit log. */
    hold_placed_at: number | null;
    hold_placed_by: string | null;
    hold_told: string | null;
    hold_lifted_at: number | null;
    hold_lifted_by: string | null;
    hold_lift_reason: string | null;
  };
  legal_disclosures: {
    id: string;
    case_id: string;
    /** JSON array. */
    categories: string;
    recipient: string;
    created_at: number;
    created_by: string;
    finished_at: number | null;
    bytes: number | null;
    files: number | null;
    manifest_sha256: string | null;
  };
  /**
   * Deletions that were accepted and wait for a hold to be lifted, of what is gone from its own tables: a user, whose rows are
   * kept here and nowhere else, and an organisation, whose row is left without members. Accounts and projects wait where they
   * are, closed and marked as deleted.
   */
  legal_kept_back: {
    id: string;
    kind: "end_user" | "organisation";
    subject_id: string;
    /** Of an end user. */
    project_id: string | null;
    requested_at: number;
    /** JSON, sealed; null for an organisation. */
    data: string | null;
  };
};

export const legalMigrations: SqlMigrations = {
  "0064_legal": {
    async up(db, { text, integer }) {
      // No foreign keys: a case is told of what may be gone.
      await db.schema
        .createTable("legal_cases")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("reference", text, (column) => column.notNull())
        .addColumn("authority", text, (column) => column.notNull())
        .addColumn("legal_basis", text, (column) => column.notNull())
        .addColumn("subject_kind", text, (column) => column.notNull())
        .addColumn("subject_id", text, (column) => column.notNull())
        .addColumn("project_id", text)
        .addColumn("notes", text)
        .addColumn("opened_at", integer, (column) => column.notNull())
        .addColumn("opened_by", text, (column) => column.notNull())
        .addColumn("closed_at", integer)
        .addColumn("closed_by", text)
        .addColumn("close_reason", text)
        .addColumn("hold_placed_at", integer)
        .addColumn("hold_placed_by", text)
        .addColumn("hold_told", text)
        .addColumn("hold_lifted_at", integer)
        .addColumn("hold_lifted_by", text)
        .addColumn("hold_lift_reason", text)
        .execute();
      await db.schema
        .createIndex("legal_cases_subject")
        .on("legal_cases")
        .columns(["subject_kind", "subject_id"])
        .execute();
      await db.schema.createIndex("legal_cases_project").on("legal_cases").column("project_id").execute();
      await db.schema
        .createTable("legal_disclosures")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("case_id", text, (column) => column.notNull().references("legal_cases.id"))
        .addColumn("categories", text, (column) => column.notNull())
        .addColumn("recipient", text, (column) => column.notNull())
        .addColumn("created_at", integer, (column) => column.notNull())
        .addColumn("created_by", text, (column) => column.notNull())
        .addColumn("finished_at", integer)
        .addColumn("bytes", integer)
        .addColumn("files", integer)
        .addColumn("manifest_sha256", text)
        .execute();
      await db.schema
        .createIndex("legal_disclosures_case")
        .on("legal_disclosures")
        .columns(["case_id", "id"])
        .execute();
      await db.schema
        .createTable("legal_kept_back")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("kind", text, (column) => column.notNull())
        .addColumn("subject_id", text, (column) => column.notNull())
        .addColumn("project_id", text)
        .addColumn("requested_at", integer, (column) => column.notNull())
        .addColumn("data", text)
        .addUniqueConstraint("legal_kept_back_once", ["kind", "subject_id"])
        .execute();
    },
  },
};
