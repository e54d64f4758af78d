import { AerostackError } from "@aerostack/contracts";
import type { SqlParameter } from "../../database/service.ts";
import { columnSql } from "../field-sql.ts";
import type { Column, Columns } from "../schema/columns.ts";
import { all, any, type SqlCondition } from "../sql-condition.ts";

export interface SortKey {
  readonly column: Column;
  readonly descending: boolean;
}

const MAX_SORT_KEYS = 4;
const MAX_CURSOR_CHARACTERS = 8_000;

function refuse(field: string, reason: string): never {
  throw new AerostackError("VALIDATION_ERROR", {
    message: `The ${field} is not valid: ${reason}`,
    details: { fieldErrors: { [field]: [reason] } },
  });
}

/**
 * The order of a list: the fields asked for, then the id, so that no two items are in the same place.
 *
 * @param text fields separated by commas, each with `-` in front for descending
 */
export function parseSort(text: string | undefined, columns: Columns): SortKey[] {
  const keys: SortKey[] = [];
  for (const part of (text ?? "").split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const descending = part.startsWith("-");
    const name = part.replace(/^[-+]/, "");
    const column = columns.get(name);
    if (column === undefined) refuse("sort", `there is no field '${name}'`);
    if (column.kind === "json") refuse("sort", `the field '${name}' holds no single value`);
    if (!keys.some((key) => key.column === column)) keys.push({ column, descending });
  }
  if (keys.length > MAX_SORT_KEYS) refuse("sort", `a list is sorted by at most ${MAX_SORT_KEYS} fields`);
  const id = columns.get("id");
  const hasId = keys.some(({ column }) => column === id);
  return hasId || id === undefined ? keys : [...keys, { column: id, descending: keys[0]?.descending ?? false }];
}

export function orderBy(keys: readonly SortKey[]): string {
  return keys.map(({ column, descending }) => `${columnSql(column.name)}${descending ? " DESC" : ""}`).join(", ");
}

function signatureOf(keys: readonly SortKey[]): string {
  return keys.map(({ column, descending }) => `${descending ? "-" : ""}${column.name}`).join(",");
}

/** Where a page ended: the values by which its last row is sorted. */
export function encodeCursor(keys: readonly SortKey[], row: Readonly<Record<string, unknown>>): string {
  const values = keys.map(({ column }) => row[column.name] ?? null);
  const cursor = Buffer.from(JSON.stringify([signatureOf(keys), ...values])).toString("base64url");
  if (cursor.length <= MAX_CURSOR_CHARACTERS) return cursor;
  return refuse("sort", "the values of the sorted field are too long to page by");
}

/** @throws VALIDATION_ERROR for a cursor that is not one of a list in this order */
export function decodeCursor(cursor: string, keys: readonly SortKey[]): SqlParameter[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
  } catch {
    parsed = undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== keys.length + 1) refuse("cursor", "is not one that a list answered");
  const [signature, ...values] = parsed as unknown[];
  if (signature !== signatureOf(keys)) refuse("cursor", "belongs to a list in another order; ask with the same 'sort'");
  return values.map((value) => {
    if (value === null || typeof value === "string" || typeof value === "number") return value;
    return refuse("cursor", "is not one that a list answered");
  });
}

/** The rows that come after those values. Null comes first, and last in descending order, as SQLite sorts it. */
export function isAfter(keys: readonly SortKey[], values: readonly SqlParameter[]): SqlCondition {
  const alternatives = keys.map((key, index) => {
    const same = keys.slice(0, index).map(({ column }, at) => isSame(column, values[at] ?? null));
    return all([...same, comesAfter(key, values[index] ?? null)]);
  });
  return any(alternatives);
}

function isSame(column: Column, value: SqlParameter): SqlCondition {
  return { sql: `${columnSql(column.name)} IS ?`, params: [value] };
}

function comesAfter({ column, descending }: SortKey, value: SqlParameter): SqlCondition {
  const name = columnSql(column.name);
  if (value === null) return descending ? false : { sql: `${name} IS NOT NULL`, params: [] };
  if (descending) return { sql: `(${name} < ? OR ${name} IS NULL)`, params: [value] };
  return { sql: `(${name} IS NOT NULL AND ${name} > ?)`, params: [value] };
}
