import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { type Token, tokenize } from "./tokenizer.ts";

const TOKEN = /^(?:near "([\s\S]*)": syntax error|unrecognized token: "([\s\S]*)")$/;
const NAME = /^no such (column|function): (.+)$/;
/** Each candidate of a syntax error costs a parse of the text up to it. */
const MAX_CANDIDATES = 40;
/** Longer texts are not parsed again and again: whoever sends one that fails must not hold the process. */
const MAX_REPARSED_CHARACTERS = 8_192;

/**
 * Where in a statement the error lies that SQLite reported when it was prepared: bytes from its start, as
 * sqlite3_error_offset() has it, which the driver does not pass on. Undefined where that cannot be told for certain. Only
 * ever asked after a failure, so that it may prepare variations of the text.
 */
export function findErrorOffset(db: SqliteDatabase, sql: string, message: string): number | undefined {
  const token = TOKEN.exec(message);
  if (token !== null) return bytesBefore(sql, failingToken(db, sql, token[1] ?? token[2] ?? "", message));
  const name = NAME.exec(message);
  return name === null ? undefined : bytesBefore(sql, failingName(db, sql, name[1] ?? "", (name[2] ?? "").split(".")));
}

/** The first place of the token at which the text cut off right behind it fails in the same words: the parser stopped there. */
function failingToken(db: SqliteDatabase, sql: string, text: string, message: string): Token | undefined {
  const candidates = tokenize(sql).filter(({ start, end }) => sql.slice(start, end) === text);
  if (candidates.length <= 1) return candidates[0];
  if (sql.length > MAX_REPARSED_CHARACTERS) return undefined;
  return candidates.slice(0, MAX_CANDIDATES).find(({ end }) => messageOf(db, sql.slice(0, end)) === message);
}

/**
 * The place of the name that SQLite could not resolve first. Where the name stands several times, each is given a name of its
 * own that is not there either, and SQLite says which of them it meets first.
 */
function failingName(db: SqliteDatabase, sql: string, kind: string, parts: readonly string[]): Token | undefined {
  const tokens = tokenize(sql);
  const places = tokens.flatMap((_, index) => {
    const first = index - 2 * (parts.length - 1);
    const fits = parts.every((part, position) => {
      const token = tokens[first + 2 * position];
      const joined = position === 0 || tokens[first + 2 * position - 1]?.text === ".";
      return joined && token !== undefined && isNameToken(token) && token.text === part;
    });
    return fits ? [{ first: tokens[first], last: tokens[index] }] : [];
  });
  if (places.length <= 1) return places[0]?.first;
  if (sql.length > MAX_REPARSED_CHARACTERS) return undefined;
  let renamed = "";
  let copied = 0;
  for (const [position, { last }] of places.entries()) {
    if (last === undefined) continue;
    renamed += `${sql.slice(copied, last.start)}${standIn(position)}`;
    copied = last.end;
  }
  const told = messageOf(db, renamed + sql.slice(copied)) ?? "";
  const qualifier = parts.slice(0, -1).map((part) => `${part}.`);
  return places.find((_, position) => told === `no such ${kind}: ${qualifier.join("")}${standIn(position)}`)?.first;
}

function standIn(position: number): string {
  return `aerostack_missing_${position}`;
}

function isNameToken({ kind }: Token): boolean {
  return kind === "word" || kind === "quoted";
}

function messageOf(db: SqliteDatabase, sql: string): string | undefined {
  try {
    db.prepare(sql);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}

function bytesBefore(sql: string, token: Token | undefined): number | undefined {
  return token === undefined ? undefined : Buffer.byteLength(sql.slice(0, token.start));
}
