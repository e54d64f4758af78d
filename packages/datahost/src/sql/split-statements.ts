import { keywordOf, type Token, tokenize } from "./tokenizer.ts";

export interface SplitStatement {
  /** Without the closing semicolon. */
  readonly sql: string;
  /** What follows it up to its semicolon, with that; empty where the text ends without one. */
  readonly closing: string;
  readonly tokens: readonly Token[];
}

/**
 * Cuts a text into its statements. A semicolon inside CREATE TRIGGER … BEGIN … END does not end the statement (the rule
 * of sqlite3_complete: only one that follows "; END" does). Statements without tokens are left out.
 */
export function splitStatements(sql: string): SplitStatement[] {
  const { statements, rest } = cut(sql);
  return rest === undefined ? statements : [...statements, rest];
}

/** The statements of a text that goes on: those whose semicolon has come, and the text after the last of them. */
export function splitFinishedStatements(sql: string): { statements: SplitStatement[]; rest: string } {
  const { statements, restAt } = cut(sql);
  return { statements, rest: sql.slice(restAt) };
}

function cut(sql: string): { statements: SplitStatement[]; rest: SplitStatement | undefined; restAt: number } {
  const statements: SplitStatement[] = [];
  let current: Token[] = [];
  let restAt = 0;
  for (const token of tokenize(sql)) {
    const isSemicolon = token.kind === "operator" && token.text === ";";
    if (isSemicolon && (!isTrigger(current) || endsTriggerBody(current))) {
      const statement = statementOf(sql, current, token.end);
      if (statement !== undefined) statements.push(statement);
      current = [];
      restAt = token.end;
    } else {
      current.push(token);
    }
  }
  return { statements, rest: statementOf(sql, current, undefined), restAt };
}

function statementOf(
  sql: string,
  tokens: readonly Token[],
  semicolonEnd: number | undefined,
): SplitStatement | undefined {
  const [first] = tokens;
  const last = tokens.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return { sql: sql.slice(first.start, last.end), closing: sql.slice(last.end, semicolonEnd ?? last.end), tokens };
}

function isTrigger(tokens: readonly Token[]): boolean {
  let at = 0;
  if (keywordOf(tokens[at]) === "EXPLAIN") {
    at++;
    if (keywordOf(tokens[at]) === "QUERY") at += 2;
  }
  if (keywordOf(tokens[at]) !== "CREATE") return false;
  const next = keywordOf(tokens[at + 1]);
  if (next === "TEMP" || next === "TEMPORARY") at++;
  return keywordOf(tokens[at + 1]) === "TRIGGER";
}

function endsTriggerBody(tokens: readonly Token[]): boolean {
  const beforeLast = tokens.at(-2);
  return keywordOf(tokens.at(-1)) === "END" && beforeLast?.kind === "operator" && beforeLast.text === ";";
}
