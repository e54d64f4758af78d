import type { SqlParameter } from "../database/service.ts";
import type { Comparison, Scalar } from "./rules/rule.ts";
import type { Column, ColumnKind } from "./schema/columns.ts";
import { any, quoted, type SqlCondition } from "./sql-condition.ts";

// What rules and filters have in common: comparisons of a column, each true or false for every row.

/** Longer lists are bound as one value, for the limit on how many a statement has. */
const MAX_BOUND_LIST = 10;

type TypeClass = "text" | "number" | "boolean" | "json";

function classOf(kind: ColumnKind): TypeClass {
  return kind === "string" ? "text" : kind === "integer" || kind === "number" ? "number" : kind;
}

/** The value as the column's type binds it; undefined: no value of the column is like it. */
function bindable(column: Column, value: Scalar): SqlParameter | undefined {
  switch (classOf(column.kind)) {
    case "text":
      // Half a surrogate pair is in no stored text.
      return typeof value === "string" && value.isWellFormed() ? value : undefined;
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    case "boolean":
      return typeof value === "boolean" ? Number(value) : undefined;
    case "json":
      return undefined;
  }
}

export function isNull(column: Column): SqlCondition {
  return { sql: `${quoted(column.name)} IS NULL`, params: [] };
}

export function equals(column: Column, value: Scalar): SqlCondition {
  if (value === null) return isNull(column);
  const bound = bindable(column, value);
  return bound === undefined ? false : { sql: `${quoted(column.name)} IS ?`, params: [bound] };
}

/** @param comparison one of order */
export function isOrderedTo(column: Column, comparison: Comparison, value: Scalar): SqlCondition {
  const bound = column.kind === "boolean" ? undefined : bindable(column, value);
  if (bound === undefined) return false;
  const name = quoted(column.name);
  return { sql: `(${name} IS NOT NULL AND ${name} ${comparison} ?)`, params: [bound] };
}

/** Null is like nothing, another null included. */
export function columnsEqual(left: Column, right: Column): SqlCondition {
  if (classOf(left.kind) !== classOf(right.kind) || left.kind === "json") return false;
  const [a, b] = [quoted(left.name), quoted(right.name)];
  return { sql: `(${a} IS NOT NULL AND ${a} IS ${b})`, params: [] };
}

export function columnsOrdered(left: Column, comparison: Comparison, right: Column): SqlCondition {
  if (classOf(left.kind) !== classOf(right.kind) || left.kind === "boolean" || left.kind === "json") return false;
  const [a, b] = [quoted(left.name), quoted(right.name)];
  return { sql: `(${a} IS NOT NULL AND ${b} IS NOT NULL AND ${a} ${comparison} ${b})`, params: [] };
}

export function isOneOf(column: Column, values: readonly Scalar[]): SqlCondition {
  const name = quoted(column.name);
  const bound = values.map((value) => bindable(column, value)).filter((value) => value !== undefined);
  const conditions: SqlCondition[] = values.includes(null) ? [isNull(column)] : [];
  if (bound.length > MAX_BOUND_LIST) {
    const list = `SELECT value FROM json_each(?)`;
    conditions.push({ sql: `(${name} IS NOT NULL AND ${name} IN (${list}))`, params: [JSON.stringify(bound)] });
  } else if (bound.length > 0) {
    const marks = bound.map(() => "?").join(", ");
    conditions.push({ sql: `(${name} IS NOT NULL AND ${name} IN (${marks}))`, params: bound });
  }
  return any(conditions);
}

/** Whether the list that a JSON column holds has a value. */
export function listHas(list: Column, value: Scalar): SqlCondition {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? listHasWhere(list, "type = 'text' AND atom = ?", [value]) : false;
    case "number":
      return Number.isFinite(value) && listHasWhere(list, "type IN ('integer', 'real') AND atom = ?", [value]);
    case "boolean":
      return listHasWhere(list, `type = '${value}'`, []);
    default:
      return listHasWhere(list, "type = 'null'", []);
  }
}

/** Whether the list that a JSON column holds has the value of another column of the row. */
export function listHasColumn(list: Column, item: Column): SqlCondition {
  const name = quoted(item.name);
  const ofKind: Readonly<Record<TypeClass, string | undefined>> = {
    text: `type = 'text' AND atom = ${name}`,
    number: `type IN ('integer', 'real') AND atom = ${name}`,
    boolean: `type = CASE ${name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`,
    json: undefined,
  };
  const like = ofKind[classOf(item.kind)];
  if (like === undefined) return false;
  return listHasWhere(list, `${name} IS NOT NULL AND ${like}`, []);
}

function listHasWhere(list: Column, where: string, params: readonly SqlParameter[]): SqlCondition {
  if (list.kind !== "json") return false;
  const name = quoted(list.name);
  const source = `CASE WHEN NOT json_valid(${name}) THEN '[]' WHEN json_type(${name}) = 'array' THEN ${name} ELSE '[]' END`;
  return { sql: `EXISTS (SELECT 1 FROM json_each(${source}) WHERE ${where})`, params };
}
