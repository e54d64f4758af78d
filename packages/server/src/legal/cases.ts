import { AerostackError, type KeptBack, type LegalCase, type OpenLegalCaseRequest } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../audit/record.ts";
import { type BlockSubjectTables, findBlockSubject } from "../front-door/blocks/block-subjects.ts";
import { type Page, type PageRequest, toIso, toIsoOrNull, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Notices } from "../notices/service.ts";
import { caseStore, type LegalCaseRow } from "./case-store.ts";
import type { Holds } from "./holds.ts";
import type { LegalTables } from "./tables.ts";

/**
 * Responsible for lawful requests (P15): what was asked by whom on which basis, and the hold that keeps the subject's data from
 * being deleted meanwhile. Every step is in the audit log, for operators alone.
 */
export interface LegalCases {
  /** @throws NOT_FOUND for a subject that is not there */
  open(operatorId: string, request: OpenLegalCaseRequest): Promise<LegalCaseRow>;
  /** @throws NOT_FOUND */
  find(id: string): Promise<LegalCaseRow>;
  keptBack(row: LegalCaseRow): Promise<readonly KeptBack[]>;
  list(state: "open" | "closed" | undefined, page: PageRequest): Promise<Page<LegalCaseRow>>;
  /** @throws NOT_FOUND · CONFLICT for a closed case */
  note(id: string, notes: string): Promise<LegalCaseRow>;
  /** @throws NOT_FOUND · CONFLICT for a closed case, or where one is in force */
  placeHold(operatorId: string, id: string, tellSubject: string | null): Promise<LegalCaseRow>;
  /** What was kept back is carried out. @throws NOT_FOUND · CONFLICT where none is in force */
  liftHold(operatorId: string, id: string, reason: string): Promise<LegalCaseRow>;
  /** @throws NOT_FOUND · CONFLICT while a hold is in force, and for a closed case */
  close(operatorId: string, id: string, reason: string): Promise<LegalCaseRow>;
}

export interface LegalCasesOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly holds: Pick<Holds, "keptBack">;
  readonly notices: Pick<Notices, "sendInBackground">;
  readonly contact: () => string;
  /** Carries out what waited, while the operator goes on. */
  readonly onLifted: () => void;
}

/** What a request for a case is answered that does not exist. */
export function caseNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "There is no such case." });
}

export const isHoldInForce = (row: LegalCaseRow): boolean => row.hold_placed_at !== null && row.hold_lifted_at === null;

/** Nobody but the operators reads of a case, whoever it is about. */
export const FOR_OPERATORS = { projectId: null, organisationId: null } as const;

export function createLegalCases(options: LegalCasesOptions): LegalCases {
  const { clock, audit, holds, notices, contact } = options;
  const sql = options.sql.withTables<LegalTables>();
  const subjectsIn = <Tables>(db: Kysely<Tables>) => db as unknown as Kysely<BlockSubjectTables>;

  /** Changes a case that is open, and says so. */
  async function step(
    id: string,
    action: string,
    decide: (row: LegalCaseRow) => { readonly change: Partial<LegalCaseRow>; readonly after: unknown },
  ): Promise<LegalCaseRow> {
    return await sql.transaction(async (trx) => {
      const row = await caseStore.find(trx, id);
      if (row === undefined) throw caseNotFound();
      if (row.closed_at !== null) throw new AerostackError("CONFLICT", { message: "This case is closed." });
      const { change, after } = decide(row);
      const changed = await caseStore.change(trx, id, change);
      await audit.record(trx, { action, target: { kind: "legal_case", id }, ...FOR_OPERATORS, after });
      return changed;
    });
  }

  const subjectOf = (row: LegalCaseRow) => ({ kind: row.subject_kind, id: row.subject_id });

  async function tell(row: LegalCaseRow, message: string): Promise<void> {
    const { name, accountIds } = await findBlockSubject(subjectsIn(sql.db), row.subject_kind, row.subject_id);
    for (const accountId of accountIds) {
      const data = { what: name, message, contact: contact() };
      notices.sendInBackground({ accountId, template: "legal-hold", data });
    }
  }

  return {
    async open(operatorId, { reference, authority, legalBasis, subject, notes = null }) {
      const now = clock.now();
      return await sql.transaction(async (trx) => {
        const found = await findBlockSubject(subjectsIn(trx), subject.kind, subject.id);
        const row: LegalCaseRow = {
          id: createId("lgc", now),
          reference,
          authority,
          legal_basis: legalBasis,
          subject_kind: subject.kind,
          subject_id: found.subject,
          project_id: subject.kind === "end_user" ? found.projectId : null,
          notes,
          opened_at: now,
          opened_by: operatorId,
          closed_at: null,
          closed_by: null,
          close_reason: null,
          hold_placed_at: null,
          hold_placed_by: null,
          hold_told: null,
          hold_lifted_at: null,
          hold_lifted_by: null,
          hold_lift_reason: null,
        };
        await caseStore.insert(trx, row);
        await audit.record(trx, {
          action: "legal_case.opened",
          target: { kind: "legal_case", id: row.id },
          ...FOR_OPERATORS,
          after: { reference, authority, legalBasis, subject: subjectOf(row) },
        });
        return row;
      });
    },

    async find(id) {
      const row = await caseStore.find(sql.db, id);
      if (row === undefined) throw caseNotFound();
      return row;
    },

    keptBack: (row) => holds.keptBack(row.subject_kind, row.subject_id),

    async list(state, page) {
      return toPage(await caseStore.list(sql.db, state, page), page.limit);
    },

    note: (id, notes) =>
      step(id, "legal_case.noted", () => ({ change: { notes }, after: { characters: notes.length } })),

    async placeHold(operatorId, id, tellSubject) {
      const placed = await step(id, "legal_hold.placed", (row) => {
        if (isHoldInForce(row)) throw new AerostackError("CONFLICT", { message: "A hold is in force already." });
        return {
          change: {
            hold_placed_at: clock.now(),
            hold_placed_by: operatorId,
            hold_told: tellSubject,
            hold_lifted_at: null,
            hold_lifted_by: null,
            hold_lift_reason: null,
          },
          after: { subject: subjectOf(row), tellsSubject: tellSubject },
        };
      });
      if (tellSubject !== null) await tell(placed, tellSubject);
      return placed;
    },

    async liftHold(operatorId, id, reason) {
      const lifted = await step(id, "legal_hold.lifted", (row) => {
        if (!isHoldInForce(row)) throw new AerostackError("CONFLICT", { message: "No hold is in force." });
        return {
          change: { hold_lifted_at: clock.now(), hold_lifted_by: operatorId, hold_lift_reason: reason },
          after: { subject: subjectOf(row), reason },
        };
      });
      options.onLifted();
      return lifted;
    },

    close: (operatorId, id, reason) =>
      step(id, "legal_case.closed", (row) => {
        if (isHoldInForce(row)) {
          throw new AerostackError("CONFLICT", {
            message: "A hold is in force for this case.",
            fix: "Lift it first: what it keeps back is carried out then.",
          });
        }
        return {
          change: { closed_at: clock.now(), closed_by: operatorId, close_reason: reason },
          after: { reason },
        };
      }),
  };
}

export function showCase(row: LegalCaseRow): LegalCase {
  const { hold_placed_at: placedAt, hold_placed_by: placedBy } = row;
  return {
    id: row.id,
    reference: row.reference,
    authority: row.authority,
    legalBasis: row.legal_basis,
    subject: { kind: row.subject_kind, id: row.subject_id },
    projectId: row.project_id,
    notes: row.notes,
    state: row.closed_at === null ? "open" : "closed",
    openedAt: toIso(row.opened_at),
    openedBy: row.opened_by,
    closedAt: toIsoOrNull(row.closed_at),
    closedBy: row.closed_by,
    closeReason: row.close_reason,
    hold:
      placedAt === null || placedBy === null
        ? null
        : {
            inForce: isHoldInForce(row),
            placedAt: toIso(placedAt),
            placedBy,
            toldSubject: row.hold_told,
            liftedAt: toIsoOrNull(row.hold_lifted_at),
            liftedBy: row.hold_lifted_by,
            liftReason: row.hold_lift_reason,
          },
  };
}
