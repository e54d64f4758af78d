import { type SqlResult, sqlResultSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../../api/api-client.ts";
import { formatDuration, plural } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import type { Terminal } from "../../output/terminal.ts";

/** A statement may run ten seconds on the server; waiting for its turn comes on top. */
const QUERY_TIMEOUT_MS = 60_000;

export interface DatabaseQuery {
  readonly api: ApiClient;
  readonly projectId: string;
  readonly database: string;
  readonly sql: string;
  readonly params?: readonly unknown[];
}

export async function queryDatabase({ api, projectId, database, sql, params }: DatabaseQuery): Promise<SqlResult> {
  return api.call("POST", apiPath("projects", projectId, "db", "query"), sqlResultSchema, {
    json: { database, sql, ...(params === undefined ? {} : { params }) },
    timeoutMs: QUERY_TIMEOUT_MS,
  });
}

/** Rows as a table, and what the statement did as a remark. */
export function renderSqlResult(terminal: Terminal, { columns, rows, meta }: SqlResult): void {
  if (rows.length > 0) {
    const numeric = columns.map((_, index) =>
      rows.every((row) => typeof row[index] === "number" || row[index] === null),
    );
    terminal.table(
      columns.map((title, index) => ({
        title: printableLine(title),
        align: numeric[index] === true ? "right" : "left",
      })),
      rows.map((row) => row.map(cell)),
    );
  }
  const facts = columns.length > 0 ? [plural(rows.length, "row")] : [];
  if (meta.changes > 0) facts.push(`${meta.changes.toLocaleString("en")} changed`);
  if (facts.length === 0) facts.push("Done");
  terminal.note(terminal.noteStyle.dim(`${facts.join(", ")} in ${formatDuration(meta.durationMs)}`));
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "string") return printableLine(value);
  return typeof value === "object" ? printableLine(JSON.stringify(value)) : String(value);
}
