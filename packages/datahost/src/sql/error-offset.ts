import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { findFailingName } from "./failing-name.ts";
import { type Token, tokenize } from "./tokenizer.ts";

const NEAR = /^near "([\s\S]*)": syntax error$/;
const UNRECOGNIZED = /^unrecognized token: "([\s\S]*)"$/;
/** Longer texts are not parsed again: whoever sends one that fails must not hold the process. */
const MAX_REPARSED_CHARACTERS = 8_192;

/**
 * Where in a statement the error lies that SQLite reported when it was prepared: bytes from its start, as
 * sqlite3_error_offset() has it, which the driver does not pass on. Undefined where SQLite has none or where it cannot be told
 * for certain. Only ever asked after a failure, so that it may prepare variations of the text: about a dozen at most.
 */
export function findErrorOffset(db: SqliteDatabase, sql: string, message: string): number | undefined {
  const tokens = tokenize(sql);
  const messageOf = (text: string) => prepareMessage(db, text);
  const place = failingToken(sql, tokens, message, messageOf) ?? failingName(sql, tokens, message, messageOf);
  return place === undefined ? undefined : Buffer.byteLength(sql.slice(0, place.start));
}

function failingToken(
  sql: string,
  tokens: readonly Token[],
  message: string,
  messageOf: (text: string) => string | undefined,
): Token | undefined {
  const near = NEAR.exec(message)?.[1];
  if (near !== undefined) {
    const candidates = tokens.filter(({ start, end }) => sql.slice(start, end) === near);
    return firstFailing(sql, candidates, near, message, messageOf);
  }
  const unrecognized = UNRECOGNIZED.exec(message)?.[1];
  if (unrecognized === undefined) return undefined;
  const candidates = tokens.filter(({ start }) => sql.startsWith(unrecognized, start));
  // A whole number is refused for its underscores after it was read, and then SQLite has forgotten its place.
  if (candidates.some(({ kind, text }) => kind === "number" && text === unrecognized)) return undefined;
  return firstFailing(sql, candidates, unrecognized, message, messageOf);
}

/**
 * The place at which the parser stopped: the first for which the text cut off right behind it fails in the same words. All
 * behind it fail so too and none before it does, so that half of the candidates are ruled out at a time.
 */
function firstFailing(
  sql: string,
  candidates: readonly Token[],
  text: string,
  message: string,
  messageOf: (text: string) => string | undefined,
): Token | undefined {
  if (candidates.length > 1 && sql.length > MAX_REPARSED_CHARACTERS) return undefined;
  let low = 0;
  let high = candidates.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const end = (candidates[middle]?.start ?? 0) + text.length;
    if (messageOf(sql.slice(0, end)) === message) high = middle;
    else low = middle + 1;
  }
  return candidates[low];
}

function failingName(
  sql: string,
  tokens: readonly Token[],
  message: string,
  messageOf: (text: string) => string | undefined,
): Token | undefined {
  if (sql.length > MAX_REPARSED_CHARACTERS) return undefined;
  return findFailingName(sql, tokens, message, messageOf);
}

/** What SQLite says against a text, which is not run. */
function prepareMessage(db: SqliteDatabase, sql: string): string | undefined {
  try {
    db.prepare(sql);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}
