import type { AuditLog } from "../../audit/create-audit.ts";
import type { Logs } from "../../logs/create-logs.ts";
import { toLogLine } from "../../logs/log-line.ts";
import { archivePath, type DisclosedSubject, type DisclosureSource, jsonLines } from "../disclosure-source.ts";

const LOG_PAGE = 500;
type EntryFilter = Parameters<AuditLog["pages"]>[0];

/** Which entries of the audit log are about somebody: what they did, and what was done to them. */
function auditFilters({ kind, id }: DisclosedSubject): readonly (readonly [file: string, filter: EntryFilter])[] {
  switch (kind) {
    case "project":
      return [["project", { projectId: id }]];
    case "organisation":
      return [["organisation", { organisationId: id }]];
    case "account":
    case "end_user":
      return [
        ["by-them", { actor: id }],
        ["about-them", { target: id }],
      ];
  }
}

export function createAuditSource(audit: Pick<AuditLog, "pages">): DisclosureSource {
  async function* lines(filter: EntryFilter): AsyncGenerator<string> {
    for await (const page of audit.pages(filter)) yield* jsonLines(page);
  }
  return async function* files(subject) {
    for (const [name, filter] of auditFilters(subject)) yield { name: `audit/${name}.jsonl`, content: lines(filter) };
  };
}

/** Lines of projects' logs, newest first. */
export function createLogSource(store: Pick<Logs["store"], "query">, flush: () => Promise<void>): DisclosureSource {
  async function* lines(projectId: string): AsyncGenerator<string> {
    let before: string | undefined;
    for (;;) {
      const entries = await store.query(projectId, {}, LOG_PAGE, before);
      yield* jsonLines(entries.map(toLogLine));
      if (entries.length < LOG_PAGE) return;
      before = entries.at(-1)?.id;
    }
  }
  return async function* files({ projectIds }) {
    await flush();
    for (const id of projectIds) yield { name: archivePath("logs", `${id}.jsonl`), content: lines(id) };
  };
}
