import type { Statement } from "../state/sqlite-driver.ts";
import type { CompiledStatement } from "./compile-statement.ts";

/**
 * What one statement did. Its numbers, as the driver lets them be known:
 * `changes` counts rows inserted, updated and deleted, those by triggers and foreign-key actions included;
 * `rowsRead` counts rows that it gave back (rows looked at and passed over are not visible);
 * `rowsWritten` counts `changes` and, for each, the index entries that the statement makes.
 */
export interface StatementResult {
  columns: readonly string[];
  rows: unknown[][];
  changes: number;
  lastRowId: number;
  rowsRead: number;
  rowsWritten: number;
  durationMs: number;
}

/** Reads what SQLite counts for a connection. */
export interface ChangeCounter {
  /** Rows changed since the connection was opened. */
  readonly totalChanges: () => number;
  readonly lastRowId: () => number;
}

/** Where a result must end: the reader decides after each row whether to go on. */
export type RowBudget = (row: unknown[]) => boolean;

export function createChangeCounter(db: { prepare(sql: string): Statement }): ChangeCounter {
  const total = db.prepare("SELECT total_changes()").pluck();
  const last = db.prepare("SELECT last_insert_rowid()").pluck();
  return { totalChanges: () => total.get() as number, lastRowId: () => last.get() as number };
}

/** @returns the rows, or undefined once the budget said no. */
export function readRows(
  compiled: CompiledStatement,
  args: readonly unknown[],
  budget: RowBudget | undefined,
): unknown[][] | undefined {
  if (budget === undefined) return compiled.statement.all(...args) as unknown[][];
  const rows: unknown[][] = [];
  for (const row of compiled.statement.iterate(...args) as Iterable<unknown[]>) {
    if (!budget(row)) return undefined;
    rows.push(row);
  }
  return rows;
}

export function readResult(compiled: CompiledStatement, rows: unknown[][], startedMs: number): StatementResult {
  return {
    columns: compiled.columns,
    rows,
    changes: 0,
    lastRowId: 0,
    rowsRead: rows.length,
    rowsWritten: 0,
    durationMs: performance.now() - startedMs,
  };
}

/** Runs a statement that may write. @returns undefined when the rows it gives back went over the budget. */
export function runWrite(
  compiled: CompiledStatement,
  args: readonly unknown[],
  counter: ChangeCounter,
  budget?: RowBudget,
): StatementResult | undefined {
  const startedMs = performance.now();
  const before = counter.totalChanges();
  let rows: unknown[][] | undefined = [];
  if (compiled.isReader) rows = readRows(compiled, args, budget);
  else compiled.statement.run(...args);
  if (rows === undefined) return undefined;
  const changes = counter.totalChanges() - before;
  return {
    columns: compiled.columns,
    rows,
    changes,
    lastRowId: counter.lastRowId(),
    rowsRead: rows.length,
    rowsWritten: changes * (1 + compiled.indexesPerRow),
    durationMs: performance.now() - startedMs,
  };
}

export function emptyResult(): StatementResult {
  return { columns: [], rows: [], changes: 0, lastRowId: 0, rowsRead: 0, rowsWritten: 0, durationMs: 0 };
}

/** Several statements of one text count as one: the last one's rows, everybody's changes. */
export function joinResults(results: readonly StatementResult[]): StatementResult {
  const [only] = results;
  if (results.length === 1 && only !== undefined) return only;
  const joined = { ...(results.at(-1) ?? emptyResult()), changes: 0, rowsRead: 0, rowsWritten: 0, durationMs: 0 };
  for (const result of results) {
    joined.changes += result.changes;
    joined.rowsRead += result.rowsRead;
    joined.rowsWritten += result.rowsWritten;
    joined.durationMs += result.durationMs;
  }
  return joined;
}
