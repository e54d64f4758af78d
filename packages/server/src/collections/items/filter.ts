import { AerostackError } from "@aerostack/contracts";
import { equals, isNull, isOneOf, isOrderedTo, listHas } from "../column-conditions.ts";
import type { Comparison, Scalar } from "../rules/rule.ts";
import type { Column, Columns } from "../schema/columns.ts";
import { all, any, not, quoted, type SqlCondition } from "../sql-condition.ts";

/** Comparisons of one list; each is a bound value. */
const MAX_CONDITIONS = 40;
const MAX_DEPTH = 5;
const MAX_LIST_VALUES = 100;

const OPERATORS = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "startsWith", "has", "null"] as const;
type Operator = (typeof OPERATORS)[number];

const ORDER: Readonly<Partial<Record<Operator, Comparison>>> = { gt: ">", gte: ">=", lt: "<", lte: "<=" };
const FIELD_PARAMETER = /^([A-Za-z_][A-Za-z0-9_]*)(?:\[([A-Za-z]+)\])?$/;

function refuse(field: string, reason: string): never {
  throw new AerostackError("VALIDATION_ERROR", {
    message: `The filter is not valid: ${field}: ${reason}`,
    details: { fieldErrors: { [field]: [reason] } },
  });
}

export interface Filters {
  /** The list's other query parameters: `<field>=<value>` and `<field>[<operator>]=<value>`. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** JSON: fields with a value or with operators, `and`, `or`, `not`. */
  readonly json: string | undefined;
}

/**
 * The rows that a caller asks for. Fields and operators are checked, values are bound.
 *
 * @throws VALIDATION_ERROR that names the field
 */
export function filtersToSql({ parameters, json }: Filters, columns: Columns): SqlCondition {
  let conditions = 0;

  function columnOf(field: string): Column {
    const column = columns.get(field);
    if (column === undefined) refuse(field, "there is no such field");
    return column;
  }

  function operatorOf(field: string, name: string): Operator {
    const operator = OPERATORS.find((one) => one === name);
    return operator ?? refuse(field, `'${name}' is none of ${OPERATORS.join(", ")}`);
  }

  function condition(column: Column, operator: Operator, value: unknown): SqlCondition {
    if (++conditions > MAX_CONDITIONS) refuse(column.name, `a filter has at most ${MAX_CONDITIONS} conditions`);
    return compare(column, operator, value);
  }

  function fromJson(value: unknown, depth: number): SqlCondition {
    if (typeof value !== "object" || value === null || Array.isArray(value)) refuse("filter", "must be an object");
    if (depth > MAX_DEPTH) refuse("filter", `is nested more than ${MAX_DEPTH} deep`);
    return all(
      Object.entries(value).map(([key, part]) => {
        if (key === "not") return not(fromJson(part, depth + 1));
        if (key === "and" || key === "or") {
          if (!Array.isArray(part)) refuse("filter", `'${key}' needs a list`);
          const parts = part.map((one) => fromJson(one, depth + 1));
          return key === "and" ? all(parts) : any(parts);
        }
        return fromField(columnOf(key), part);
      }),
    );
  }

  function fromField(column: Column, value: unknown): SqlCondition {
    if (typeof value !== "object" || value === null) return condition(column, "eq", value);
    if (Array.isArray(value)) return condition(column, "in", value);
    return all(
      Object.entries(value).map(([name, operand]) => condition(column, operatorOf(column.name, name), operand)),
    );
  }

  function fromParameter(key: string, text: unknown): SqlCondition {
    const [, field, name = "eq"] = FIELD_PARAMETER.exec(key) ?? [];
    if (field === undefined) return refuse(key, "is neither a field nor a parameter of lists");
    const column = columnOf(field);
    const operator = operatorOf(field, name);
    return condition(column, operator, readParameter(column, operator, String(text)));
  }

  const fromQuery = Object.entries(parameters)
    // A credential, where an address carries it.
    .filter(([key]) => key !== "apiKey")
    .map(([key, value]) => fromParameter(key, value));
  return json === undefined ? all(fromQuery) : all([...fromQuery, fromJson(parseJson(json), 0)]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return refuse("filter", "is not valid JSON");
  }
}

/** A query parameter's text as a value of the field's type. */
function readParameter(column: Column, operator: Operator, text: string): unknown {
  if (operator === "null") return text !== "false";
  if (operator === "in" || operator === "nin") return text.split(",").map((part) => readScalar(column, part.trim()));
  if (operator === "has") return readJsonScalar(text);
  return readScalar(column, text);
}

function readScalar(column: Column, text: string): Scalar {
  if (column.kind === "string" || column.kind === "json") return text;
  if (text === "null") return null;
  if (column.kind === "boolean") {
    if (text === "true" || text === "1") return true;
    return text === "false" || text === "0" ? false : refuse(column.name, "must be true or false");
  }
  const number = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : refuse(column.name, "must be a number");
}

/** In a list of unknown type: `7`, `true` and `null` are what they look like. */
function readJsonScalar(text: string): Scalar {
  if (text === "null") return null;
  if (text === "true" || text === "false") return text === "true";
  return /^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function compare(column: Column, operator: Operator, value: unknown): SqlCondition {
  const { name, kind } = column;
  if (operator === "null") {
    if (typeof value !== "boolean") refuse(name, "'null' needs true or false");
    return value ? isNull(column) : not(isNull(column));
  }
  if (operator === "has") {
    if (kind !== "json") refuse(name, "'has' is for fields that hold a list");
    return listHas(column, toScalar(name, value));
  }
  if (kind === "json") {
    if (value === null && (operator === "eq" || operator === "ne")) return compare(column, "null", operator === "eq");
    refuse(name, "holds a list or object: use 'has' or 'null'");
  }
  const comparison = ORDER[operator];
  if (comparison !== undefined) {
    if (kind === "boolean") refuse(name, "true and false are in no order");
    return isOrderedTo(column, comparison, toValue(column, value));
  }
  switch (operator) {
    case "eq":
      return equals(column, toValue(column, value));
    case "ne":
      return not(equals(column, toValue(column, value)));
    case "in":
      return isOneOf(column, toValues(column, value));
    case "nin":
      return not(isOneOf(column, toValues(column, value)));
    default:
      return isPartOf(column, operator === "contains", value);
  }
}

/** Texts of the field that have this one in them, or at their beginning; upper and lower case are different. */
function isPartOf(column: Column, anywhere: boolean, value: unknown): SqlCondition {
  if (column.kind !== "string") refuse(column.name, "is no text");
  if (typeof value !== "string") refuse(column.name, "must be a text");
  const name = quoted(column.name);
  const sql = anywhere ? `instr(${name}, ?) > 0` : `substr(${name}, 1, length(?)) = ?`;
  return { sql: `(${name} IS NOT NULL AND ${sql})`, params: anywhere ? [value] : [value, value] };
}

function toScalar(field: string, value: unknown): Scalar {
  if (typeof value === "object" && value !== null) refuse(field, "must be a single value");
  return value as Scalar;
}

/** A value of another type would be like none: most likely that is a mistake, and it is said. */
function toValue(column: Column, value: unknown): Scalar {
  if (value === null) return null;
  const expected = column.kind === "integer" ? "number" : column.kind;
  if (typeof value !== expected) refuse(column.name, `must be a ${expected === "string" ? "text" : expected}`);
  return value as Scalar;
}

function toValues(column: Column, value: unknown): Scalar[] {
  if (!Array.isArray(value) || value.length > MAX_LIST_VALUES) {
    return refuse(column.name, `needs a list of at most ${MAX_LIST_VALUES} values`);
  }
  return value.map((one) => toValue(column, one));
}
