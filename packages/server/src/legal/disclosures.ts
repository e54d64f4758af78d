import { AerostackError, type DiscloseRequest, type Disclosure, type DisclosureCategory } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { Logger } from "../kernel/log.ts";
import { type Page, type PageRequest, toIso, toIsoOrNull, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { caseStore, type DisclosureRow, type LegalCaseRow } from "./case-store.ts";
import { caseNotFound, FOR_OPERATORS } from "./cases.ts";
import { CATEGORIES_OF_USERS, type DisclosedSubject, type DisclosureSources } from "./disclosure-source.ts";
import type { LegalTables } from "./tables.ts";
import { type WrittenFile, type ZipFile, zipStream } from "./zip-stream.ts";

/** What was asked for, as an archive that comes into being while it is read. */
export interface Disclosures {
  /**
   * @returns the archive; its last file is the manifest, with the hash of every other
   * @throws NOT_FOUND · CONFLICT for a closed case · VALIDATION_ERROR for what is not kept by user
   */
  begin(
    operatorId: string,
    caseId: string,
    request: DiscloseRequest,
  ): Promise<{ readonly id: string; readonly archive: AsyncGenerator<Buffer> }>;
  list(caseId: string, page: PageRequest): Promise<Page<DisclosureRow>>;
}

export interface DisclosuresOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly log: Logger;
  readonly sources: DisclosureSources;
}

interface OwnedTables {
  projects: { id: string; owner_id: string; organisation_id: string };
}

export const MANIFEST = "manifest.json";

export function createDisclosures(options: DisclosuresOptions): Disclosures {
  const { clock, audit, log, sources } = options;
  const sql = options.sql.withTables<LegalTables & OwnedTables>();
  const store = options.sql.withTables<LegalTables>();

  async function subjectOf(row: LegalCaseRow): Promise<DisclosedSubject> {
    const { subject_kind: kind, subject_id: id, project_id: ofUser } = row;
    if (kind === "project") return { kind, id, projectIds: [id] };
    if (kind === "end_user") return { kind, id, projectIds: ofUser === null ? [] : [ofUser] };
    const projects = await sql.db
      .selectFrom("projects")
      .select("id")
      .where(kind === "account" ? "owner_id" : "organisation_id", "=", id)
      .orderBy("id")
      .execute();
    return { kind, id, projectIds: projects.map((project) => project.id) };
  }

  function requireKept(kind: DisclosedSubject["kind"], categories: readonly DisclosureCategory[]): void {
    const missing = kind === "end_user" ? categories.filter((one) => !CATEGORIES_OF_USERS.has(one)) : [];
    if (missing.length === 0) return;
    throw new AerostackError("VALIDATION_ERROR", {
      message: `Of a user there is no ${missing.join(", no ")}: it is kept by project, not by user.`,
      fix: "Leave it out, or open a case about the project.",
      details: { fieldErrors: { categories: missing } },
    });
  }

  async function* archive(disclosure: DisclosureRow, row: LegalCaseRow): AsyncGenerator<Buffer> {
    const categories = JSON.parse(disclosure.categories) as DisclosureCategory[];
    const written: WrittenFile[] = [];
    let bytes = 0;
    let isFinished = false;

    async function* files(): AsyncGenerator<ZipFile> {
      const subject = await subjectOf(row);
      for (const category of categories) yield* sources[category](subject);
      yield {
        name: MANIFEST,
        content: [`${JSON.stringify(manifestOf(row, disclosure, categories, written), null, 2)}\n`],
      };
    }

    try {
      for await (const chunk of zipStream(files(), disclosure.created_at, (file) => void written.push(file))) {
        bytes += chunk.length;
        yield chunk;
      }
      isFinished = true;
    } catch (err) {
      log.error({ err, disclosureId: disclosure.id }, "a disclosure broke off");
      throw err;
    } finally {
      await finish(disclosure, isFinished, written, bytes);
    }
  }

  /** Whoever reads the log knows whether the archive was handed over whole. */
  async function finish(
    disclosure: DisclosureRow,
    isFinished: boolean,
    written: readonly WrittenFile[],
    bytes: number,
  ) {
    const manifest = written.find(({ name }) => name === MANIFEST);
    const facts = { files: written.length, bytes, manifestSha256: manifest?.sha256 ?? null };
    await store.transaction(async (trx) => {
      if (isFinished) {
        await caseStore.finishDisclosure(trx, disclosure.id, {
          finished_at: clock.now(),
          files: facts.files,
          bytes: facts.bytes,
          manifest_sha256: facts.manifestSha256,
        });
      }
      await audit.record(trx, {
        actor: { kind: "account", id: disclosure.created_by },
        action: isFinished ? "legal_disclosure.finished" : "legal_disclosure.broken_off",
        target: { kind: "legal_case", id: disclosure.case_id },
        ...FOR_OPERATORS,
        after: { disclosure: disclosure.id, recipient: disclosure.recipient, ...facts },
      });
    });
  }

  return {
    async begin(operatorId, caseId, { categories, recipient }) {
      const [row, disclosure] = await store.transaction(async (trx) => {
        const found = await caseStore.find(trx, caseId);
        if (found === undefined) throw caseNotFound();
        if (found.closed_at !== null) throw new AerostackError("CONFLICT", { message: "This case is closed." });
        requireKept(found.subject_kind, categories);
        const made: DisclosureRow = {
          id: createId("lgd", clock.now()),
          case_id: caseId,
          categories: JSON.stringify(categories),
          recipient,
          created_at: clock.now(),
          created_by: operatorId,
          finished_at: null,
          bytes: null,
          files: null,
          manifest_sha256: null,
        };
        await caseStore.insertDisclosure(trx, made);
        // Before the first byte: there is no disclosure that the log does not tell of.
        await audit.record(trx, {
          action: "legal_disclosure.begun",
          target: { kind: "legal_case", id: caseId },
          ...FOR_OPERATORS,
          after: {
            disclosure: made.id,
            subject: { kind: found.subject_kind, id: found.subject_id },
            categories,
            recipient,
          },
        });
        return [found, made] as const;
      });
      return { id: disclosure.id, archive: archive(disclosure, row) };
    },

    async list(caseId, page) {
      if ((await caseStore.find(store.db, caseId)) === undefined) throw caseNotFound();
      return toPage(await caseStore.listDisclosures(store.db, caseId, page), page.limit);
    },
  };
}

function manifestOf(
  row: LegalCaseRow,
  disclosure: DisclosureRow,
  categories: readonly DisclosureCategory[],
  files: readonly WrittenFile[],
) {
  return {
    case: { id: row.id, reference: row.reference, authority: row.authority, legalBasis: row.legal_basis },
    subject: { kind: row.subject_kind, id: row.subject_id },
    disclosure: disclosure.id,
    disclosedBy: disclosure.created_by,
    disclosedTo: disclosure.recipient,
    at: toIso(disclosure.created_at),
    categories,
    files: [...files],
  };
}

export function showDisclosure(row: DisclosureRow): Disclosure {
  return {
    id: row.id,
    caseId: row.case_id,
    categories: JSON.parse(row.categories) as DisclosureCategory[],
    recipient: row.recipient,
    createdAt: toIso(row.created_at),
    createdBy: row.created_by,
    finishedAt: toIsoOrNull(row.finished_at),
    bytes: row.bytes,
    files: row.files,
    manifestSha256: row.manifest_sha256,
  };
}
