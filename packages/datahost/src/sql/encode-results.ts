import type { SerialisedError } from "@aerostack/contracts";
import type { QueryMeta, QueryResult, SqlCell } from "../protocol.ts";
import type { StatementResult } from "./run-statement.ts";

/** "rpc" for the platform's own calls; the others are the formats that a D1 binding asks for. */
export type ResultFormat = "rpc" | "d1-rows" | "d1-objects" | "d1-none";

/** What the results of one request have in common. */
export interface ResultContext {
  readonly sizeAfterBytes: number;
  /** Whether the schema changed, which no count of rows tells. */
  readonly changedSchema: boolean;
}

export type StatementOutcome = StatementResult | { readonly error: SerialisedError };

export function toQueryResult(result: StatementResult, context: ResultContext): QueryResult {
  for (const row of result.rows) encodeBytes(row, (bytes) => ({ $bytes: bytes.toString("base64") }));
  const meta: QueryMeta = {
    durationMs: result.durationMs,
    changes: result.changes,
    lastRowId: result.lastRowId,
    rowsRead: result.rowsRead,
    rowsWritten: result.rowsWritten,
    changedDb: result.changes > 0 || context.changedSchema,
    sizeAfterBytes: context.sizeAfterBytes,
  };
  return { columns: result.columns, rows: result.rows as SqlCell[][], meta };
}

/** The body that D1's client expects for one statement, as JSON. */
export function toD1Json(result: StatementResult, context: ResultContext, format: ResultFormat): string {
  for (const row of result.rows) encodeBytes(row, (bytes) => Array.from(bytes));
  const meta = {
    served_by: "aerostack",
    served_by_primary: true,
    duration: result.durationMs,
    changes: result.changes,
    last_row_id: result.lastRowId,
    changed_db: result.changes > 0 || context.changedSchema,
    size_after: context.sizeAfterBytes,
    rows_read: result.rowsRead,
    rows_written: result.rowsWritten,
  };
  const results =
    format === "d1-rows"
      ? { columns: result.columns, rows: result.rows }
      : result.rows.map((row) => Object.fromEntries(result.columns.map((name, at) => [name, row[at]])));
  return JSON.stringify({ success: true, results, meta });
}

function encodeBytes(row: unknown[], encode: (bytes: Buffer) => unknown): void {
  for (let at = 0; at < row.length; at++) {
    const cell = row[at];
    if (typeof cell === "object" && cell !== null && Buffer.isBuffer(cell)) row[at] = encode(cell);
  }
}

/** About how many bytes of JSON a row becomes. */
export function sizeOfRow(row: readonly unknown[], format: ResultFormat): number {
  let bytes = row.length;
  for (const cell of row) {
    if (typeof cell === "string") bytes += cell.length + 2;
    else if (Buffer.isBuffer(cell)) bytes += format === "rpc" ? cell.length * 1.4 : cell.length * 4;
    else bytes += 8;
  }
  return bytes;
}
