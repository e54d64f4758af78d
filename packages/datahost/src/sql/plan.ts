import { AerostackError } from "@aerostack/contracts/errors";
import type { CompiledStatement } from "./compile-statement.ts";
import { layOutParameters, type ParameterLayout } from "./parameters.ts";
import { splitStatements } from "./split-statements.ts";
import { toQueryError } from "./sqlite-errors.ts";
import { checkStatement, type StatementShape } from "./statement-rules.ts";
import { keywordOf, type Token } from "./tokenizer.ts";

/** One statement of a text: what it is, and, where the host may prepare it, its compiled form. */
export interface PlannedStatement {
  readonly sql: string;
  /** Bytes of blanks and comments in front of it; SQLite counts places from there. */
  readonly leadBytes: number;
  /** What follows it up to its semicolon, with that; empty where the text ends without one. */
  readonly closing: string;
  /** First keyword, in capitals. */
  readonly verb: string;
  readonly shape: StatementShape;
  readonly layout: ParameterLayout;
  readonly tokens: readonly Token[];
  /** Line of the text on which it begins, from 1. */
  readonly line: number;
  /** Undefined until it is asked for; null where only another process may prepare it. */
  compiled: CompiledStatement | null | undefined;
  /** Of the schema that it was compiled for. */
  generation: number;
}

/** What a text of SQL asks for, as far as its words tell. */
export interface Plan {
  readonly statements: readonly PlannedStatement[];
  readonly isWrite: boolean;
  readonly isDdl: boolean;
  readonly namesPlatformTable: boolean;
}

export interface PlanLimits {
  readonly maxSqlBytes: number;
  readonly maxParameters: number;
}

/** @throws AerostackError DB_STATEMENT_REFUSED, DB_QUERY_FAILED for a text without a statement or over a limit. */
export function planText(sql: string, limits: PlanLimits): Plan {
  // SQLite would stop reading there.
  if (sql.includes("\0")) throw queryFailed("unrecognized token: a NUL character", "SQLITE_ERROR");
  const statements = splitStatements(sql).map(({ sql: text, closing, tokens }, index): PlannedStatement => {
    if (text.length > limits.maxSqlBytes || Buffer.byteLength(text) > limits.maxSqlBytes) {
      throw queryFailed("statement too long", "SQLITE_TOOBIG");
    }
    const layout = layOutParameters(tokens);
    if (layout.count > limits.maxParameters) throw queryFailed("too many SQL variables", "SQLITE_ERROR");
    const verb = keywordOf(tokens[0]) ?? "";
    const line = lineOf(sql, tokens[0]?.start ?? 0);
    return {
      sql: text,
      leadBytes: index === 0 ? Buffer.byteLength(sql.slice(0, tokens[0]?.start ?? 0)) : 0,
      closing,
      verb,
      shape: checkStatement(tokens),
      layout,
      tokens,
      line,
      compiled: undefined,
      generation: -1,
    };
  });
  if (statements.length === 0) {
    throw queryFailed(sql.trim() === "" ? "No SQL statements detected." : "SQL code did not contain a statement.");
  }
  for (const statement of statements.slice(0, -1)) {
    if (statement.layout.count > 0) {
      throw queryFailed(
        "When executing multiple SQL statements in a single call, only the last statement can have parameters.",
      );
    }
  }
  return {
    statements,
    isWrite: statements.some((statement) => statement.shape.kind === "write"),
    isDdl: statements.some((statement) => statement.shape.isDdl),
    namesPlatformTable: statements.some((statement) => statement.shape.namesPlatformTable),
  };
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** Runs one statement of a text; where it fails, the error says on which line the statement begins (`details.line`). */
export function atLine<T>(plan: Plan, planned: PlannedStatement, run: () => T): T {
  if (plan.statements.length === 1) return run();
  try {
    return run();
  } catch (error) {
    const seen = toQueryError(error);
    if (!(seen instanceof AerostackError) || seen.code !== "DB_QUERY_FAILED") throw error;
    const details = { ...seen.details, line: planned.line };
    throw new AerostackError(seen.code, { message: seen.message, fix: seen.fix, details, cause: error });
  }
}

function queryFailed(message: string, sqliteCode?: string): AerostackError {
  const details = sqliteCode === undefined ? {} : { details: { sqliteCode, extendedCode: sqliteCode } };
  return new AerostackError("DB_QUERY_FAILED", { message, ...details });
}
