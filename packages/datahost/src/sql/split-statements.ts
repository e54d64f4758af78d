import { keywordOf, type Token, tokenize } from "./tokenizer.ts";

export interface SplitStatement {
  /** Without the closing semicolon. */
  readonly sql: string;
  readonly tokens: readonly Token[];
}

/**
 * Cuts a text into its statements. A semicolon inside CREATE TRIGGER … BEGIN … END does not end the statement (the rule
 * of sqlite3_complete: only one that follows "; END" does). Statements without tokens are left out.
 */
export function splitStatements(sql: string): SplitStatement[] {
  const statements: SplitStatement[] = [];
  let current: Token[] = [];
  const finish = () => {
    const [first] = current;
    const last = current.at(-1);
    if (first !== undefined && last !== undefined) {
      statements.push({ sql: sql.slice(first.start, last.end), tokens: current });
    }
    current = [];
  };
  for (const token of tokenize(sql)) {
    const isSemicolon = token.kind === "operator" && token.text === ";";
    if (isSemicolon && (!isTrigger(current) || endsTriggerBody(current))) finish();
    else current.push(token);
  }
  finish();
  return statements;
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
