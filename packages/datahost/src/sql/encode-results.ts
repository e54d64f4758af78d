import { resultJson } from "../d1/d1-response.ts";
import type { ResultsFormat } from "../d1/results-format.ts";
import type { SqlResult } from "../d1/sql-engine.ts";
import type { QueryMeta, QueryResult, SqlCell } from "../protocol.ts";
import type { StatementResult } from "./run-statement.ts";

/** "rpc" for the platform's own calls; the others are the formats that a D1 binding asks for. */
export type ResultFormat = "rpc" | ResultsFormat;

/** What the results of one request have in common. */
export interface ResultContext {
  readonly sizeAfterBytes: number;
  /** Whether the schema changed, which no count of rows tells. */
  readonly changedSchema: boolean;
  /** See UserDatabase. */
  readonly commitSequence: number;
}

export function toQueryResult(result: StatementResult, context: ResultContext): QueryResult {
  for (const row of result.rows) encodeBytes(row);
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

/** A result as the D1 binding renders it. */
export function toD1Result(result: StatementResult, context: ResultContext): SqlResult {
  return {
    columns: result.columns,
    rows: result.rows,
    meta: {
      durationMs: result.durationMs,
      changes: result.changes,
      lastRowId: result.lastRowId,
      rowsRead: result.rowsRead,
      rowsWritten: result.rowsWritten,
      changedDb: result.changes > 0 || context.changedSchema,
      sizeAfterBytes: context.sizeAfterBytes,
      commitSequence: context.commitSequence,
    },
  };
}

/** The results of one request as JSON: of a process that answers for the host. */
export function encodeResults(
  results: readonly StatementResult[],
  context: ResultContext,
  format: ResultFormat,
  single: boolean,
): string {
  const texts = results.map((result) =>
    format === "rpc" ? JSON.stringify(toQueryResult(result, context)) : resultJson(toD1Result(result, context), format),
  );
  return single ? (texts[0] ?? "null") : `[${texts.join(",")}]`;
}

function encodeBytes(row: unknown[]): void {
  for (let at = 0; at < row.length; at++) {
    const cell = row[at];
    if (typeof cell === "object" && Buffer.isBuffer(cell)) row[at] = { $bytes: cell.toString("base64") };
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
