// What separates statements: a semicolon outside of text, quoted names and comments. A trigger's body holds semicolons of
// its own, up to its END.
const TOKEN =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;|[A-Za-z_]+|[\s\S]/g;

export interface SplitResult {
  readonly statements: readonly string[];
  /** What is not ended by a semicolon yet. */
  readonly rest: string;
}

/** Cuts typed text into complete statements and what is still being typed. */
export function splitStatements(text: string): SplitResult {
  const statements: string[] = [];
  let current = "";
  let words: string[] = [];
  let depth = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    current += token;
    if (/^[A-Za-z_]+$/.test(token)) {
      const word = token.toUpperCase();
      words.push(word);
      const inTrigger = words[0] === "CREATE" && words.slice(1, 3).includes("TRIGGER");
      if (inTrigger && (word === "BEGIN" || word === "CASE")) depth += 1;
      if (inTrigger && word === "END") depth -= 1;
    }
    if (token !== ";" || depth > 0) continue;
    if (words.length > 0) statements.push(current.trim());
    current = "";
    words = [];
  }
  return { statements, rest: current.trim() === "" ? "" : current };
}
