import { AerostackError } from "@aerostack/contracts/errors";
import { malformed, sqliteRefusal } from "./d1-error.ts";
import type { D1Limits } from "./d1-limits.ts";
import type { BoundStatement, BoundValue } from "./sql-engine.ts";

/** @throws AerostackError REQUEST_MALFORMED */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw malformed("The body is not JSON.");
  }
}

/**
 * One `{ sql, params? }` of D1's client. Only the form is looked at; what the SQL means is the engine's.
 *
 * @throws AerostackError
 */
export function readStatement(value: unknown, limits: D1Limits): BoundStatement {
  if (!isObject(value)) throw malformed("A statement must be an object with sql and params.");
  return { sql: readSql(value.sql, limits), params: readParams(value.params, limits) };
}

/** @throws AerostackError */
export function readBatch(values: readonly unknown[], limits: D1Limits): BoundStatement[] {
  // D1's own words for a batch of nothing.
  if (values.length === 0) throw new AerostackError("DB_QUERY_FAILED", { message: "No SQL statements detected." });
  if (values.length > limits.maxBatchStatements) {
    throw malformed(`A batch has at most ${limits.maxBatchStatements} statements.`);
  }
  return values.map((value) => readStatement(value, limits));
}

/** The lines that D1's client cut an exec() text into, without parameters. @throws AerostackError */
export function readLines(values: readonly unknown[]): string[] {
  return values.map((value) => {
    if (!isObject(value) || typeof value.sql !== "string") throw malformed("A line must be an object with sql.");
    return value.sql;
  });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readSql(sql: unknown, limits: D1Limits): string {
  if (typeof sql !== "string") throw malformed("The field sql must be a text.");
  if (isLongerThan(sql, limits.maxSqlBytes)) throw sqliteRefusal("statement too long", "SQLITE_TOOBIG");
  return sql;
}

const NO_PARAMS: readonly BoundValue[] = [];

function readParams(params: unknown, limits: D1Limits): readonly BoundValue[] {
  if (params === undefined || params === null) return NO_PARAMS;
  if (!Array.isArray(params)) throw malformed("The field params must be a list.");
  if (params.length > limits.maxParameters) throw sqliteRefusal("too many SQL variables", "SQLITE_ERROR");
  // In place: the list was made by parsing this very body.
  for (let at = 0; at < params.length; at++) params[at] = readValue(params[at], limits.maxValueBytes);
  return params;
}

function readValue(value: unknown, maxValueBytes: number): BoundValue {
  switch (typeof value) {
    case "number":
      return value;
    case "string":
      if (isLongerThan(value, maxValueBytes)) throw tooBig();
      return value;
    case "boolean":
      return value ? 1 : 0;
    default:
      if (value === null) return null;
      if (Array.isArray(value)) return readBytes(value, maxValueBytes);
      throw unsupported("object", "[object Object]");
  }
}

/** The client sends every typed array as its elements, so they wrap as in `new Uint8Array(elements)`. */
function readBytes(elements: readonly unknown[], maxValueBytes: number): Buffer {
  if (elements.length > maxValueBytes) throw tooBig();
  for (const element of elements) {
    // Not shown: turning a deeply nested list into text would use up the stack.
    if (typeof element !== "number") throw unsupported("object", "[object Array]");
  }
  return Buffer.from(elements as readonly number[]);
}

/** Bytes of UTF-8; most texts are short enough by their length alone. */
function isLongerThan(text: string, maxBytes: number): boolean {
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

function tooBig(): AerostackError {
  return sqliteRefusal("string or blob too big", "SQLITE_TOOBIG");
}

/** D1's client refuses these itself, in these words. */
function unsupported(type: string, shown: string): AerostackError {
  return new AerostackError("DB_QUERY_FAILED", {
    message: `D1_TYPE_ERROR: Type '${type}' not supported for value '${shown}'`,
    fix: "Bind text, numbers, booleans, null or bytes.",
  });
}
