import { AerostackError } from "@aerostack/contracts/errors";
import { splitStatements } from "../sql/split-statements.ts";
import type { D1Limits } from "./d1-limits.ts";
import type {
  BoundStatement,
  DatabaseAddress,
  EncodedResults,
  ExecResult,
  SqlEngine,
  SqlResult,
} from "./sql-engine.ts";

/**
 * Runs the lines that D1's client cut an exec() text into. In D1 each line stands for itself and needs no semicolon. Here
 * a statement may also go over several lines: a text whose lines all end in semicolons means the same either way, and
 * any other is tried line by line first and as a whole where that is no valid SQL. The first try is atomic, so it leaves
 * nothing behind.
 *
 * @throws AerostackError
 */
export async function execLines(
  engine: SqlEngine,
  address: DatabaseAddress,
  lines: readonly string[],
  limits: D1Limits,
): Promise<ExecResult> {
  const text = lines.join("\n");
  if (lines.slice(0, -1).every(isClosed)) return engine.exec(address, text);
  const statements = lines.flatMap(toStatements);
  if (statements.length > limits.maxBatchStatements) return engine.exec(address, text);
  try {
    const results = await engine.batch(address, statements, "NONE");
    if ("json" in results) return { count: statements.length, durationMs: results.durationMs };
    return { count: results.length, durationMs: results.reduce((sum, { meta }) => sum + meta.durationMs, 0) };
  } catch (error) {
    if (isInvalidSql(error)) return engine.exec(address, text);
    throw error;
  }
}

/** In a transaction nothing can be tried: statements are separated by semicolons. @throws AerostackError */
export async function execInTransaction(
  run: (statement: BoundStatement) => Promise<SqlResult | EncodedResults>,
  lines: readonly string[],
): Promise<ExecResult> {
  const statements = toStatements(lines.join("\n"));
  if (statements.length === 0) throw new AerostackError("DB_QUERY_FAILED", { message: "No SQL statements detected." });
  let durationMs = 0;
  for (const statement of statements) {
    const result = await run(statement);
    durationMs += "json" in result ? result.durationMs : result.meta.durationMs;
  }
  return { count: statements.length, durationMs };
}

/** The line of the text, from 1, on which the statement that failed begins; the first where the engine does not say. */
export function failedLine(error: AerostackError, lineCount: number): number {
  const line = error.details?.line;
  return typeof line === "number" && line >= 1 && line <= lineCount ? line : 1;
}

function isClosed(line: string): boolean {
  const text = line.trimEnd();
  return text === "" || text.endsWith(";") || text.trimStart().startsWith("--");
}

function toStatements(sql: string): BoundStatement[] {
  return splitStatements(sql).map((statement) => ({ sql: statement.sql, params: [] }));
}

function isInvalidSql(error: unknown): boolean {
  return (
    error instanceof AerostackError &&
    error.code === "DB_QUERY_FAILED" &&
    /syntax error|incomplete input|unrecognized token/.test(error.message)
  );
}
