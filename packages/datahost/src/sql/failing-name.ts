import { isName, keywordOf, type Token } from "./tokenizer.ts";

/** Complaints about a name, with the name as it was written. */
const COMPLAINTS = [
  /^no such (?:column|function): (.+)$/,
  /^ambiguous column name: (.+)$/,
  /^(?:wrong number of arguments to function|misuse of (?:aggregate|window)(?: function)?:?) (.+)\(\)$/,
];
const STAND_IN = "aerostack_missing_";
const STAND_IN_TOLD = new RegExp(`${STAND_IN}(\\d+)`);
/** Each costs a parse of the whole text. */
const MAX_TRIALS = 8;

/** Where a name stands. */
export interface Place {
  readonly first: Token;
  readonly last: Token;
  /** Of the first token. */
  readonly at: number;
}

/** The name that SQLite could not resolve, where SQLite keeps its place. */
export function findFailingName(
  sql: string,
  tokens: readonly Token[],
  message: string,
  messageOf: (text: string) => string | undefined,
): Token | undefined {
  const name = COMPLAINTS.map((complaint) => complaint.exec(message)?.[1]).find((found) => found !== undefined);
  if (name === undefined) return undefined;
  const place = findFailingPlace(sql, placesOf(tokens, name.split(".")), message, messageOf);
  return place === undefined || hasNoOffset(tokens, place.at) ? undefined : place.first;
}

/**
 * The first of several places of a name that SQLite cannot resolve: all are given names of their own that are not there, and
 * SQLite says which of them it meets first. That one gets its name back: where SQLite then complains in its first words, this
 * was it; where not, it was a name that resolves, and the next one is asked for.
 */
export function findFailingPlace(
  sql: string,
  places: readonly Place[],
  message: string,
  messageOf: (text: string) => string | undefined,
): Place | undefined {
  const kept = new Set<number>();
  let met: number | undefined;
  for (let trial = 0; trial < MAX_TRIALS; trial++) {
    const told = messageOf(renameAllBut(sql, places, kept));
    if (told === message && met !== undefined) return places[met];
    met = Number(STAND_IN_TOLD.exec(told ?? "")?.[1] ?? -1);
    if (places[met] === undefined || kept.has(met)) return undefined;
    kept.add(met);
  }
  return undefined;
}

/** Where a name of one or more parts stands, written as it was told. */
function placesOf(tokens: readonly Token[], parts: readonly string[]): Place[] {
  return tokens.flatMap((first, at) => {
    const fits = parts.every((part, position) => {
      const token = tokens[at + 2 * position];
      const isJoined = position === 0 || tokens[at + 2 * position - 1]?.text === ".";
      return isJoined && token !== undefined && isName(token) && token.text === part;
    });
    const last = tokens[at + 2 * (parts.length - 1)];
    return fits && last !== undefined ? [{ first, last, at }] : [];
  });
}

function renameAllBut(sql: string, places: readonly Place[], kept: ReadonlySet<number>): string {
  let renamed = "";
  let copied = 0;
  for (const [position, { last }] of places.entries()) {
    if (kept.has(position)) continue;
    renamed += `${sql.slice(copied, last.start)} ${STAND_IN}${position} `;
    copied = last.end;
  }
  return renamed + sql.slice(copied);
}

const CLAUSES = new Set([
  ...["SELECT", "FROM", "JOIN", "ON", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "WINDOW"],
  ...["INTO", "VALUES", "CONFLICT", "SET", "RETURNING", "USING"],
]);

/**
 * SQLite keeps no place of names in the condition of a join, whose terms it marks as the join's in the same field, nor of the
 * columns that SET assigns to, which are no expressions. (Of what a join's condition lists behind IN or CASE it does; such a
 * name is left without one here.)
 */
function hasNoOffset(tokens: readonly Token[], at: number): boolean {
  const clause = clauseAround(tokens, at);
  switch (keywordOf(tokens[clause])) {
    case "ON":
      return /^(?:JOIN|FROM)$/.test(keywordOf(tokens[clauseAround(tokens, clause)]) ?? "");
    case "SET":
      return isAssignedTo(tokens, clause, at);
    default:
      return false;
  }
}

/** The keyword whose clause a token belongs to: the nearest before it that is in no parentheses closed before it; -1 for none. */
function clauseAround(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let index = at - 1; index >= 0; index--) {
    const token = tokens[index];
    if (token?.text === ")") depth++;
    else if (token?.text === "(" && depth > 0) depth--;
    else if (depth === 0 && CLAUSES.has(keywordOf(token) ?? "")) return index;
  }
  return -1;
}

/** Whether a token of a SET clause stands before its assignment's "=". */
function isAssignedTo(tokens: readonly Token[], set: number, at: number): boolean {
  let depth = 0;
  let isTarget = true;
  for (const { text } of tokens.slice(set + 1, at)) {
    if (text === "(") depth++;
    else if (text === ")") depth--;
    else if (depth === 0 && text === "=") isTarget = false;
    else if (depth === 0 && text === ",") isTarget = true;
  }
  return isTarget;
}
