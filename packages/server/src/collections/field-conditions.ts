import type { SqlParameter } from "../database/service.ts";
import { classOf, listSql, presenceSql, VALUE_CLASSES, type ValueClass, valueSql } from "./field-sql.ts";
import type { Comparison, Scalar } from "./rules/rule.ts";
import type { Field } from "./schema/nested-field.ts";
import { any, type SqlCondition } from "./sql-condition.ts";

// What rules and filters have in common: comparisons of a field, each true or false for every row.

/** Longer lists are bound as one value, for the limit on how many a statement has. */
const MAX_BOUND_LIST = 10;

/** The value as a statement binds it; undefined: nothing that is stored is like it. */
function bindable(value: Exclude<Scalar, null>): SqlParameter | undefined {
  // Half a surrogate pair is in no stored text.
  if (typeof value === "string") return value.isWellFormed() ? value : undefined;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  return Number(value);
}

/** A comparison of a value, false where there is none; of a column in the form that an index serves. */
function whereThere({ path }: Field, value: string, comparison: string): string {
  return path.length === 0 ? `(${value} IS NOT NULL AND ${comparison})` : `coalesce(${comparison}, 0)`;
}

export function isNull(field: Field): SqlCondition {
  return { sql: `${presenceSql(field)} IS NULL`, params: [] };
}

export function equals(field: Field, value: Scalar): SqlCondition {
  if (value === null) return isNull(field);
  const sql = valueSql(field, classOf(value));
  const bound = bindable(value);
  return sql !== undefined && bound !== undefined && { sql: `${sql} IS ?`, params: [bound] };
}

/** @param comparison one of order */
export function isOrderedTo(field: Field, comparison: Comparison, value: Scalar): SqlCondition {
  if (value === null || typeof value === "boolean") return false;
  const sql = valueSql(field, classOf(value));
  const bound = bindable(value);
  if (sql === undefined || bound === undefined) return false;
  return { sql: whereThere(field, sql, `${sql} ${comparison} ?`), params: [bound] };
}

/** Null is like nothing, another null included. */
export function fieldsEqual(left: Field, right: Field): SqlCondition {
  return compareFields(left, "=", right, VALUE_CLASSES);
}

export function fieldsOrdered(left: Field, comparison: Comparison, right: Field): SqlCondition {
  return compareFields(left, comparison, right, ["text", "number"]);
}

function compareFields(left: Field, operator: string, right: Field, classes: readonly ValueClass[]): SqlCondition {
  return any(
    classes.map((valueClass) => {
      const [a, b] = [valueSql(left, valueClass), valueSql(right, valueClass)];
      return a !== undefined && b !== undefined && { sql: `coalesce(${a} ${operator} ${b}, 0)`, params: [] };
    }),
  );
}

export function isOneOf(field: Field, values: readonly Scalar[]): SqlCondition {
  const conditions: SqlCondition[] = values.includes(null) ? [isNull(field)] : [];
  for (const valueClass of VALUE_CLASSES) {
    const sql = valueSql(field, valueClass);
    const bound = values
      .filter((value) => value !== null && classOf(value) === valueClass)
      .map((value) => bindable(value as Exclude<Scalar, null>))
      .filter((value) => value !== undefined);
    if (sql === undefined || bound.length === 0) continue;
    const isLong = bound.length > MAX_BOUND_LIST;
    const list = isLong ? "SELECT value FROM json_each(?)" : bound.map(() => "?").join(", ");
    conditions.push({
      sql: whereThere(field, sql, `${sql} IN (${list})`),
      params: isLong ? [JSON.stringify(bound)] : bound,
    });
  }
  return any(conditions);
}

/** Texts of the field that have this one in them, or at their beginning; upper and lower case are different. */
export function isPartOf(field: Field, anywhere: boolean, text: string): SqlCondition {
  const sql = valueSql(field, "text");
  if (sql === undefined) return false;
  const comparison = anywhere ? `instr(${sql}, ?) > 0` : `substr(${sql}, 1, length(?)) = ?`;
  return { sql: whereThere(field, sql, comparison), params: anywhere ? [text] : [text, text] };
}

/** Whether the list that a field holds has a value. */
export function listHas(list: Field, value: Scalar): SqlCondition {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() && listHasWhere(list, "type = 'text' AND atom = ?", [value]);
    case "number":
      return Number.isFinite(value) && listHasWhere(list, "type IN ('integer', 'real') AND atom = ?", [value]);
    case "boolean":
      return listHasWhere(list, `type = '${value}'`, []);
    default:
      return listHasWhere(list, "type = 'null'", []);
  }
}

/** Whether the list that a field holds has the value of another field of the row. */
export function listHasField(list: Field, item: Field): SqlCondition {
  const likeOf: Readonly<Record<ValueClass, (value: string) => string>> = {
    text: (value) => `type = 'text' AND atom = ${value}`,
    number: (value) => `type IN ('integer', 'real') AND atom = ${value}`,
    boolean: (value) => `type = CASE ${value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`,
  };
  return any(
    VALUE_CLASSES.map((valueClass) => {
      const value = valueSql(item, valueClass);
      return value !== undefined && listHasWhere(list, likeOf[valueClass](value), []);
    }),
  );
}

function listHasWhere(list: Field, where: string, params: readonly SqlParameter[]): SqlCondition {
  if (list.path.length === 0 && list.column.kind !== "json") return false;
  return { sql: `EXISTS (SELECT 1 FROM json_each(${listSql(list)}) WHERE ${where})`, params };
}
