import type { Scalar } from "./rules/rule.ts";
import type { Column } from "./schema/columns.ts";
import type { Field } from "./schema/nested-field.ts";
import { quoted } from "./sql-condition.ts";

/** What values are compared as: those of different classes are unlike. */
export type ValueClass = "text" | "number" | "boolean";
export const VALUE_CLASSES: readonly ValueClass[] = ["text", "number", "boolean"];

/**
 * What statements with conditions call the table. Columns are named with it, for within a look into JSON a bare `value` or `type`
 * would be what SQLite calls the JSON's, and a name in quotes that the table does not have (any more) may be taken for a text.
 */
export const ITEM_ALIAS = "item";

export function classOf(value: Exclude<Scalar, null>): ValueClass {
  return typeof value === "string" ? "text" : (typeof value as "number" | "boolean");
}

function columnClass({ kind }: Column): ValueClass | undefined {
  if (kind === "json") return undefined;
  return kind === "string" ? "text" : kind === "boolean" ? "boolean" : "number";
}

export function columnSql(name: string): string {
  return `${ITEM_ALIAS}.${quoted(name)}`;
}

/** The field's value where it is of a class, null where it is not; undefined where it never is. */
export function valueSql({ column, path }: Field, valueClass: ValueClass): string | undefined {
  if (path.length > 0) return nestedSql(column, path, NESTED[valueClass]);
  return columnClass(column) === valueClass ? columnSql(column.name) : undefined;
}

/** Something, or null where there is nothing. */
export function presenceSql({ column, path }: Field): string {
  if (path.length > 0) return nestedSql(column, path, "nullif(type, 'null')");
  const name = columnSql(column.name);
  // SQL of others may have stored JSON's own null.
  return column.kind === "json" ? `CASE WHEN json_valid(${name}) THEN nullif(json_type(${name}), 'null') END` : name;
}

/** The JSON of the list that the field holds; null where it holds none. */
export function listSql({ column, path }: Field): string {
  return path.length > 0 ? nestedSql(column, path, "CASE type WHEN 'array' THEN value END") : jsonOf(column, "array");
}

const NESTED: Readonly<Record<ValueClass, string>> = {
  text: "CASE type WHEN 'text' THEN atom END",
  // As JavaScript counts: what is beyond 2^53 is the nearest number that it has.
  number: "CASE WHEN type IN ('integer', 'real') THEN CAST(atom AS REAL) END",
  boolean: "CASE type WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
};

/**
 * Looks a value up, name by name. Of a name that an object has twice (SQL of others may store that) the last counts, as in
 * JavaScript; `json_extract` takes the first.
 */
function nestedSql(column: Column, path: readonly string[], shown: string): string {
  const above = path.slice(0, -1);
  const parent =
    above.length === 0 ? jsonOf(column, "object") : nestedSql(column, above, "CASE type WHEN 'object' THEN value END");
  const name = `'${(path.at(-1) ?? "").replaceAll("'", "''")}'`;
  return `(SELECT ${shown} FROM json_each(${parent}) WHERE key = ${name} ORDER BY id DESC LIMIT 1)`;
}

function jsonOf(column: Column, type: "array" | "object"): string {
  if (column.kind !== "json") return "NULL";
  const name = columnSql(column.name);
  return `CASE WHEN NOT json_valid(${name}) THEN NULL WHEN json_type(${name}) = '${type}' THEN ${name} END`;
}
