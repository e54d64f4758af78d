import type { AuditEntry } from "@aerostack/contracts";
import { csvLine } from "../kernel/csv.ts";

export type ExportFormat = "jsonl" | "csv";

export const EXPORT_CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  jsonl: "application/x-ndjson; charset=utf-8",
  csv: "text/csv; charset=utf-8",
};

const COLUMNS: readonly (readonly [name: string, value: (entry: AuditEntry) => string | number | null])[] = [
  ["seq", ({ chain }) => chain?.seq ?? null],
  ["id", ({ id }) => id],
  ["time", ({ time }) => time],
  ["actor_kind", ({ actor }) => actor.kind],
  ["actor_id", ({ actor }) => actor.id],
  ["credential_id", ({ actor }) => actor.credentialId],
  ["action", ({ action }) => action],
  ["target_kind", ({ target }) => target.kind],
  ["target_id", ({ target }) => target.id],
  ["project_id", ({ projectId }) => projectId],
  ["organisation_id", ({ organisationId }) => organisationId],
  ["ip", ({ ip }) => ip],
  ["region", ({ region }) => region],
  ["user_agent", ({ userAgent }) => userAgent],
  ["request_id", ({ requestId }) => requestId],
  ["before", ({ before }) => json(before)],
  ["after", ({ after }) => json(after)],
  ["hash", ({ chain }) => chain?.hash ?? null],
];

/** The text of an export, piece by piece, from pages that are read one after the other. */
export async function* exportEntries(
  pages: AsyncIterable<readonly AuditEntry[]>,
  format: ExportFormat,
): AsyncGenerator<string> {
  if (format === "csv") yield csvLine(COLUMNS.map(([name]) => name));
  for await (const entries of pages) {
    yield entries.map((entry) => (format === "csv" ? toCsv(entry) : `${JSON.stringify(entry)}\n`)).join("");
  }
}

function toCsv(entry: AuditEntry): string {
  return csvLine(COLUMNS.map(([, value]) => value(entry)));
}

function json(value: AuditEntry["before"]): string | null {
  return value === null ? null : JSON.stringify(value);
}
