import type { SqliteDatabase, Statement } from "../state/sqlite-driver.ts";
import { findFailingPlace, type Place } from "./failing-name.ts";
import { isSqliteError } from "./sqlite-errors.ts";
import { tokenize } from "./tokenizer.ts";

/** A statement of which some names in double quotes were read as strings. */
export interface RereadStatement {
  readonly statement: Statement;
  /** With those strings in single quotes. */
  readonly sql: string;
  /** What a result's column is called, from what SQLite calls it: after the text of its expression, as that was written. */
  readonly columnName: (name: string) => string;
}

/** SQLite's words for a name in double quotes that would be a string by its older rule. */
const COMPLAINT = /^no such column: "([\s\S]*)" - should this be a string literal in single-quotes\?$/;
/** What creates or changes a schema has no such strings: its text stays in the database, for other readers. */
const READS_STRINGS = /^(?:select|insert|replace|update|delete|with|values|explain)$/i;
/** All characters that may be parsed again for one statement: it takes 8 ms where each of them is such a string. */
const MAX_REPARSED_CHARACTERS = 64 * 1024;
const MAX_REPARSES = 64;
/**
 * Stands on both sides of such a string, so that it does not grow together with what stands beside it (x"ab" is no blob): a
 * blank that hardly anybody writes.
 */
const BLANK = "\f";

/** Whether an error of SQLite's is about a name in double quotes that D1 would take for a string. */
export function isAboutString(verb: string, error: { readonly message: string }): boolean {
  return READS_STRINGS.test(verb) && COMPLAINT.test(error.message);
}

/**
 * Prepares a statement as D1 does, whose SQLite takes a name in double quotes that is no column for a string; the driver's
 * is compiled without that rule. SQLite itself says of which name it would have been so: exactly that token becomes a string,
 * one after the other. Names that resolve keep their meaning, since SQLite never complains of them. Only ever asked after a
 * failure, and bounded.
 *
 * @throws what remains to be said against the statement: an SqliteError
 */
export function prepareWithStrings(db: SqliteDatabase, source: string, failure: Error): RereadStatement {
  /** By a string, as it was written. */
  const written = new Map<string, string>();
  let reparses = 0;
  let characters = 0;
  let sql = source;
  let error = failure;

  function prepare(text: string): Statement | Error {
    reparses++;
    characters += text.length;
    if (reparses > MAX_REPARSES || characters > MAX_REPARSED_CHARACTERS) throw failure;
    try {
      return db.prepare(text);
    } catch (thrown) {
      if (isSqliteError(thrown)) return thrown;
      throw thrown;
    }
  }
  const messageOf = (text: string): string | undefined => {
    const tried = prepare(text);
    return tried instanceof Error ? tried.message : undefined;
  };

  for (;;) {
    const name = COMPLAINT.exec(error.message)?.[1];
    const place = name === undefined ? undefined : failingPlace(sql, name, error.message, messageOf);
    if (place === undefined) throw error;
    const { start, end } = place.first;
    const literal = `'${place.first.text.replaceAll("'", "''")}'`;
    written.set(literal, sql.slice(start, end));
    sql = sql.slice(0, start) + BLANK + literal + BLANK + sql.slice(end);
    const tried = prepare(sql);
    if (!(tried instanceof Error)) return { statement: tried, sql, columnName: (name) => restore(name, written) };
    error = tried;
  }
}

function failingPlace(
  sql: string,
  name: string,
  message: string,
  messageOf: (text: string) => string | undefined,
): Place | undefined {
  const tokens = tokenize(sql);
  const places = tokens.flatMap((token, at): Place[] =>
    token.kind === "quoted" && token.text === name && sql[token.start] === '"'
      ? [{ first: token, last: token, at }]
      : [],
  );
  // Where it stands but once, that is it, or it is in a view or trigger: then the same complaint remains.
  return places.length > 1 ? findFailingPlace(sql, places, message, messageOf) : places[0];
}

function restore(name: string, written: ReadonlyMap<string, string>): string {
  let restored = BLANK + name + BLANK;
  for (const [literal, before] of written) restored = restored.replaceAll(BLANK + literal + BLANK, before);
  return restored.replace(/^\f/, "").replace(/\f$/, "");
}
