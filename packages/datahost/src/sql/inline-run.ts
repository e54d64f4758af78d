import type { CompiledStatement } from "./compile-statement.ts";
import { sizeOfRow } from "./encode-results.ts";
import { arrangeValues, type BindValue } from "./parameters.ts";
import { atLine, type Plan, type PlannedStatement } from "./plan.ts";
import {
  emptyResult,
  joinResults,
  type RowBudget,
  readResult,
  readRows,
  runWrite,
  type StatementResult,
} from "./run-statement.ts";
import { wrongParameterCount } from "./sqlite-errors.ts";
import type { UserDatabase } from "./user-database.ts";
import { sizeOfValues } from "./values.ts";
import { TooLongForHost } from "./write-queue.ts";

/** A text of SQL with its values, as one caller sent it. */
export interface BoundQuery {
  readonly plan: Plan;
  readonly values: readonly BindValue[];
}

/** What one request may take of the host's event loop before it goes to another process. */
const MAX_INLINE_STATEMENTS = 64;
const MAX_INLINE_ROWS = 1_000;
const MAX_INLINE_BYTES = 256 * 1024;
const MAX_INLINE_MS = 4;
const ROWS_BETWEEN_LOOKS_AT_THE_CLOCK = 32;
/** In a loop over a table a bound value may be copied for each row. */
const MAX_SMALL_TABLE_VALUE_BYTES = 512;
/** Shorter SQL cannot carry a value worth counting. */
const UNCOUNTED_SQL = 2_048;

/**
 * Runs queries on the host's own connection.
 *
 * @throws TooLongForHost where that may take long; whatever was written by then is the caller's to undo.
 */
export function runInline(
  database: UserDatabase,
  queries: readonly BoundQuery[],
  maxValueBytes: number,
): StatementResult[] {
  let statements = 0;
  for (const { plan } of queries) statements += plan.statements.length;
  if (statements > MAX_INLINE_STATEMENTS) throw new TooLongForHost();
  const budget = createBudget();
  return queries.map(({ plan, values }) => {
    const last = plan.statements.length - 1;
    if (last === 0) return runPlanned(database, plan.statements[0] as PlannedStatement, values, maxValueBytes, budget);
    return joinResults(
      plan.statements.map((planned, at) =>
        atLine(plan, planned, () => runPlanned(database, planned, at === last ? values : [], maxValueBytes, budget)),
      ),
    );
  });
}

function runPlanned(
  database: UserDatabase,
  planned: PlannedStatement,
  values: readonly BindValue[],
  maxValueBytes: number,
  budget: RowBudget,
): StatementResult {
  const isCountRight = values.length === planned.layout.count;
  if (planned.shape.isNoop) {
    if (!isCountRight) throw wrongParameterCount();
    return emptyResult();
  }
  // What is wrong with its text is said first, as in D1.
  const compiled = database.compile(planned);
  if (compiled !== null && !isCountRight) throw wrongParameterCount();
  if (compiled === null || !isShort(database, planned, compiled, values, maxValueBytes)) throw new TooLongForHost();
  const args = arrangeValues(planned.layout, values);
  const rowBudget = compiled.bound.kind === "constant" ? undefined : budget;
  if (!compiled.isReadonly) {
    const result = runWrite(compiled, args, database.connection().counter, rowBudget);
    if (result === undefined) throw new TooLongForHost();
    return result;
  }
  const startedMs = performance.now();
  const rows = readRows(compiled, args, rowBudget);
  if (rows === undefined) throw new TooLongForHost();
  return readResult(compiled, rows, startedMs);
}

function isShort(
  database: UserDatabase,
  planned: PlannedStatement,
  compiled: CompiledStatement,
  values: readonly BindValue[],
  maxValueBytes: number,
): boolean {
  const { bound, growth } = compiled;
  if (bound.kind === "unbounded") return false;
  const bytes = values.length === 0 ? 0 : sizeOfValues(values);
  if (bound.kind === "small-table" && (database.pages > bound.maxPages || bytes > MAX_SMALL_TABLE_VALUE_BYTES)) {
    return false;
  }
  if (compiled.isReadonly) return bytes <= maxValueBytes;
  if (growth.canGrow) return false;
  const put = bytes * growth.maxParameterUses + (planned.sql.length > UNCOUNTED_SQL ? planned.sql.length : 0);
  // Changed one column at a time, a row could otherwise grow by this much for each of them.
  return put <= (growth.changesRows ? maxValueBytes / growth.columns : maxValueBytes);
}

function createBudget(): RowBudget {
  let rows = 0;
  let bytes = 0;
  let endMs = 0;
  return (row) => {
    rows++;
    bytes += sizeOfRow(row, "rpc");
    if (rows > MAX_INLINE_ROWS || bytes > MAX_INLINE_BYTES) return false;
    if (rows % ROWS_BETWEEN_LOOKS_AT_THE_CLOCK !== 0) return true;
    const now = performance.now();
    if (endMs === 0) endMs = now + MAX_INLINE_MS;
    return now <= endMs;
  };
}
