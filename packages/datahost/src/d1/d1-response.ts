import type { ResultsFormat } from "./results-format.ts";
import type { ExecResult, SqlMeta, SqlResult } from "./sql-engine.ts";

/** The answer for one statement, as JSON. */
export function resultJson(result: SqlResult, format: ResultsFormat): string {
  const rows = toJsonRows(result.rows);
  const results =
    format === "ROWS_AND_COLUMNS"
      ? `{"columns":${JSON.stringify(result.columns)},"rows":${JSON.stringify(rows)}}`
      : objectsJson(result.columns, rows);
  return `{"success":true,"results":${results},"meta":${metaJson(result.meta)}}`;
}

export function batchJson(results: readonly SqlResult[], format: ResultsFormat): string {
  return `[${results.map((result) => resultJson(result, format)).join(",")}]`;
}

const EXECUTED = '{"success":true,"meta":{"duration":0}}';

/** The client counts the elements and adds up their durations. */
export function execJson({ count, durationMs }: ExecResult): string {
  if (count === 0) return "[]";
  return `[{"success":true,"meta":{"duration":${toDuration(durationMs)}}}${`,${EXECUTED}`.repeat(count - 1)}]`;
}

/** The client names the line of the first element that failed. */
export function execErrorJson(error: string, line: number): string {
  return `[${`${EXECUTED},`.repeat(line - 1)}${errorJson(error)}]`;
}

export function errorJson(error: string): string {
  return `{"success":false,"error":${JSON.stringify(error)}}`;
}

function metaJson(meta: SqlMeta): string {
  return (
    `{"served_by":"aerostack","served_by_primary":true,"duration":${toDuration(meta.durationMs)}` +
    `,"changes":${meta.changes},"last_row_id":${Number(meta.lastRowId)},"changed_db":${meta.changedDb}` +
    `,"size_after":${meta.sizeAfterBytes},"rows_read":${meta.rowsRead},"rows_written":${meta.rowsWritten}}`
  );
}

/** Milliseconds with four digits behind the point, as D1 gives them. */
function toDuration(durationMs: number): number {
  return Math.round(durationMs * 10_000) / 10_000;
}

/** A later column of the same name wins, as in D1. */
function objectsJson(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  if (rows.length === 0) return "[]";
  // `fromEntries`, because a column may be called __proto__.
  return JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]]))));
}

/** The rows themselves where JSON can show every cell, which is nearly always. */
function toJsonRows(rows: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  for (const row of rows) {
    for (const cell of row) {
      if (typeof cell === "bigint" || (typeof cell === "object" && cell !== null)) {
        return rows.map((copied) => copied.map(toJsonCell));
      }
    }
  }
  return rows;
}

/** Bytes become a list of numbers; integers beyond 2^53 lose their last digits, as in D1. */
function toJsonCell(cell: unknown): unknown {
  if (cell instanceof Uint8Array) return Array.from(cell);
  return typeof cell === "bigint" ? Number(cell) : cell;
}
