/** A named limit as it stands in a source file. */
export interface DocumentedName {
  readonly name: string;
  /** What its comment says; empty where it has none. */
  readonly meaning: string;
}

export interface DocumentedConstant extends DocumentedName {
  readonly value: number;
}

const MEMBER = /(?:^[ \t]*\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\n)?^[ \t]*readonly (\w+): number(?: \| null)?;/gm;
const CONSTANT = /(?:^[ \t]*\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\n)?^(?:export )?const ([A-Z][A-Z0-9_]*) = ([^;]+);/gm;
const ARITHMETIC = /^[\d\s*+().-]+$/;

/** The text of a doc comment on one line. */
function commentText(comment: string | undefined): string {
  return (comment ?? "")
    .split("\n")
    .map((line) => line.replace(/^\s*\*?\s?/, "").trim())
    .filter((line) => line !== "")
    .join(" ");
}

/** The numeric members of an interface of limits, in their order. A file holds one such interface. */
export function readMembers(source: string): DocumentedName[] {
  return [...source.matchAll(MEMBER)].map(([, comment, name = ""]) => ({ name, meaning: commentText(comment) }));
}

/** Constants that are numbers, or arithmetic with numbers and constants above them; others are left out. */
export function readConstants(source: string): DocumentedConstant[] {
  const known = new Map<string, number>();
  const found: DocumentedConstant[] = [];
  for (const [, comment, name = "", expression = ""] of source.matchAll(CONSTANT)) {
    const arithmetic = expression
      .replaceAll(/\b[A-Z][A-Z0-9_]*\b/g, (word) => String(known.get(word) ?? word))
      .replaceAll(/(?<=\d)_(?=\d)/g, "");
    if (!ARITHMETIC.test(arithmetic)) continue;
    const value = Number(Function(`"use strict"; return (${arithmetic});`)());
    known.set(name, value);
    found.push({ name, meaning: commentText(comment), value });
  }
  return found;
}
