/**
 * SQL text cut into tokens by SQLite's own rules (tokenize.c): what a statement is, which names it uses and which
 * parameters it binds is decided on tokens, never by searching the text.
 */
export interface Token {
  readonly kind: "word" | "quoted" | "string" | "number" | "blob" | "parameter" | "operator" | "illegal";
  /** As written; for "quoted" and "string" without the quotes, doubled ones undone. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const CODE = { space: 32, quote: 39, slash: 47, nine: 57, zero: 48, bom: 0xfeff } as const;

function isSpace(code: number): boolean {
  return code === CODE.space || (code >= 9 && code <= 13 && code !== 11) || code === CODE.bom;
}

function isDigit(code: number): boolean {
  return code >= CODE.zero && code <= CODE.nine;
}

/** Letters, digits, '_', '$' and everything beyond ASCII may continue a name. */
function continuesName(code: number): boolean {
  return (
    isDigit(code) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 95 ||
    code === 36 ||
    code >= 0x80
  );
}

const TWO_CHARACTER_OPERATORS = new Set(["||", "<=", ">=", "<>", "!=", "==", "<<", ">>", "->"]);

export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  const length = sql.length;
  let at = 0;

  function endOfName(from: number): number {
    let end = from;
    while (end < length && continuesName(sql.charCodeAt(end))) end++;
    return end;
  }

  /** Position after the closing quote, or -1. A doubled quote stands for itself. */
  function endOfQuoted(from: number, quote: string): number {
    for (let end = sql.indexOf(quote, from); end !== -1; end = sql.indexOf(quote, end + 2)) {
      if (sql[end + 1] !== quote) return end + 1;
    }
    return -1;
  }

  function push(kind: Token["kind"], end: number, text = sql.slice(at, end)): void {
    tokens.push({ kind, text, start: at, end });
    at = end;
  }

  while (at < length) {
    const code = sql.charCodeAt(at);
    const character = sql.charAt(at);
    if (isSpace(code)) {
      at++;
    } else if (character === "-" && sql[at + 1] === "-") {
      const end = sql.indexOf("\n", at);
      at = end === -1 ? length : end + 1;
    } else if (character === "/" && sql[at + 1] === "*" && at + 2 < length) {
      const end = sql.indexOf("*/", at + 2);
      at = end === -1 ? length : end + 2;
    } else if (character === "'" || character === '"' || character === "`") {
      const end = endOfQuoted(at + 1, character);
      if (end === -1) push("illegal", length);
      else {
        const text = sql.slice(at + 1, end - 1).replaceAll(character + character, character);
        push(character === "'" ? "string" : "quoted", end, text);
      }
    } else if (character === "[") {
      const end = sql.indexOf("]", at);
      if (end === -1) push("illegal", length);
      else push("quoted", end + 1, sql.slice(at + 1, end));
    } else if ((character === "x" || character === "X") && sql[at + 1] === "'") {
      const end = sql.indexOf("'", at + 2);
      push(end === -1 ? "illegal" : "blob", end === -1 ? length : end + 1);
    } else if (isDigit(code) || (character === "." && isDigit(sql.charCodeAt(at + 1)))) {
      push("number", endOfNumber(sql, at));
    } else if (character === "?") {
      let end = at + 1;
      while (end < length && isDigit(sql.charCodeAt(end))) end++;
      push("parameter", end);
    } else if (character === ":" || character === "@" || character === "$" || character === "#") {
      const end = endOfName(at + 1);
      push(end === at + 1 || character === "#" ? "illegal" : "parameter", end);
    } else if (continuesName(code)) {
      push("word", endOfName(at));
    } else {
      push("operator", at + (TWO_CHARACTER_OPERATORS.has(sql.slice(at, at + 2)) ? 2 : 1));
    }
  }
  return tokens;
}

/** Digits, '_' between them, hexadecimal, a fraction and an exponent. A name stuck to it is an error that SQLite reports. */
function endOfNumber(sql: string, from: number): number {
  const match = /^(?:0[xX][0-9a-fA-F_]+|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]+)?)/.exec(sql.slice(from, from + 400));
  return from + Math.max(1, match?.[0].length ?? 1);
}

/** A name as SQLite compares it: ASCII letters without case. */
export function foldName(name: string): string {
  return name.toLowerCase();
}

/** The keyword that a token is, in capitals, or undefined. A quoted name is no keyword. */
export function keywordOf(token: Token | undefined): string | undefined {
  return token?.kind === "word" ? token.text.toUpperCase() : undefined;
}

/** Whether the token can name a table, column or function: SQLite takes a string for a name where only a name fits. */
export function isName(token: Token): boolean {
  return token.kind === "word" || token.kind === "quoted";
}
