import { AerostackError } from "@aerostack/contracts";
import { equals, isNull, isOneOf, isOrderedTo, isPartOf, listHas } from "../field-conditions.ts";
import type { Comparison, Scalar } from "../rules/rule.ts";
import type { Columns } from "../schema/columns.ts";
import { type Field, fieldAt, MAX_NESTED_NAMES, nameOf } from "../schema/nested-field.ts";
import { all, any, not, type SqlCondition } from "../sql-condition.ts";

/** Comparisons of one list; each is a bound value. */
const MAX_CONDITIONS = 40;
const MAX_DEPTH = 5;
const MAX_LIST_VALUES = 100;

const OPERATORS = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "startsWith", "has", "null"] as const;
type Operator = (typeof OPERATORS)[number];

const ORDER: Readonly<Partial<Record<Operator, Comparison>>> = { gt: ">", gte: ">=", lt: "<", lte: "<=" };
const FIELD_PARAMETER = /^([A-Za-z_][A-Za-z0-9_.$-]*)(?:\[([A-Za-z]+)\])?$/;

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
  let nestedNames = 0;

  function fieldOf(name: string): Field {
    const field = fieldAt(columns, name.split("."));
    if ("flaw" in field) return refuse(name, field.flaw);
    nestedNames += field.path.length;
    if (nestedNames <= MAX_NESTED_NAMES) return field;
    return refuse(name, `the paths of a filter have no more than ${MAX_NESTED_NAMES} names below fields in all`);
  }

  function operatorOf(field: string, name: string): Operator {
    const operator = OPERATORS.find((one) => one === name);
    return operator ?? refuse(field, `'${name}' is none of ${OPERATORS.join(", ")}`);
  }

  function condition(field: Field, operator: Operator, value: unknown): SqlCondition {
    if (++conditions > MAX_CONDITIONS) refuse(nameOf(field), `a filter has at most ${MAX_CONDITIONS} conditions`);
    return compare(field, operator, value);
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
        return fromField(fieldOf(key), part);
      }),
    );
  }

  function fromField(field: Field, value: unknown): SqlCondition {
    if (typeof value !== "object" || value === null) return condition(field, "eq", value);
    if (Array.isArray(value)) return condition(field, "in", value);
    return all(
      Object.entries(value).map(([name, operand]) => condition(field, operatorOf(nameOf(field), name), operand)),
    );
  }

  function fromParameter(key: string, text: unknown): SqlCondition {
    const [, path, name = "eq"] = FIELD_PARAMETER.exec(key) ?? [];
    if (path === undefined) return refuse(key, "is neither a field nor a parameter of lists");
    const field = fieldOf(path);
    const operator = operatorOf(path, name);
    return condition(field, operator, readParameter(field, operator, String(text)));
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
function readParameter(field: Field, operator: Operator, text: string): unknown {
  if (operator === "null") return text !== "false";
  if (operator === "in" || operator === "nin") return text.split(",").map((part) => readScalar(field, part.trim()));
  if (operator === "has") return readJsonScalar(text);
  if (operator === "contains" || operator === "startsWith") return text;
  return readScalar(field, text);
}

function readScalar(field: Field, text: string): Scalar {
  if (field.kind === "string" || field.kind === "json") return text;
  if (text === "null") return null;
  if (field.kind === "any") return readJsonScalar(text);
  if (field.kind === "boolean") {
    if (text === "true" || text === "1") return true;
    return text === "false" || text === "0" ? false : refuse(nameOf(field), "must be true or false");
  }
  const number = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : refuse(nameOf(field), "must be a number");
}

/** Where the schema does not say of which type a value is: `7`, `true` and `null` are what they look like. */
function readJsonScalar(text: string): Scalar {
  if (text === "null") return null;
  if (text === "true" || text === "false") return text === "true";
  return /^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function compare(field: Field, operator: Operator, value: unknown): SqlCondition {
  const { kind } = field;
  const name = nameOf(field);
  if (operator === "null") {
    if (typeof value !== "boolean") refuse(name, "'null' needs true or false");
    return value ? isNull(field) : not(isNull(field));
  }
  if (operator === "has") {
    if (kind !== "json" && kind !== "any") refuse(name, "'has' is for fields that hold a list");
    return listHas(field, toScalar(name, value));
  }
  if (kind === "json") {
    if (value === null && (operator === "eq" || operator === "ne")) return compare(field, "null", operator === "eq");
    refuse(name, "holds a list or object: use 'has' or 'null'");
  }
  const comparison = ORDER[operator];
  if (comparison !== undefined) {
    if (kind === "boolean" || typeof value === "boolean") refuse(name, "true and false are in no order");
    return isOrderedTo(field, comparison, toValue(field, value));
  }
  switch (operator) {
    case "eq":
      return equals(field, toValue(field, value));
    case "ne":
      return not(equals(field, toValue(field, value)));
    case "in":
      return isOneOf(field, toValues(field, value));
    case "nin":
      return not(isOneOf(field, toValues(field, value)));
    default:
      if (kind !== "string" && kind !== "any") refuse(name, "is no text");
      return isPartOf(
        field,
        operator === "contains",
        typeof value === "string" ? value : refuse(name, "must be a text"),
      );
  }
}

function toScalar(field: string, value: unknown): Scalar {
  if (typeof value === "object" && value !== null) refuse(field, "must be a single value");
  return value as Scalar;
}

/** A value of another type would be like none: most likely that is a mistake, and it is said. */
function toValue(field: Field, value: unknown): Scalar {
  if (value === null) return null;
  if (field.kind === "any") return toScalar(nameOf(field), value);
  const expected = field.kind === "integer" ? "number" : field.kind;
  if (typeof value !== expected) refuse(nameOf(field), `must be a ${expected === "string" ? "text" : expected}`);
  return value as Scalar;
}

function toValues(field: Field, value: unknown): Scalar[] {
  if (!Array.isArray(value) || value.length > MAX_LIST_VALUES) {
    return refuse(nameOf(field), `needs a list of at most ${MAX_LIST_VALUES} values`);
  }
  return value.map((one) => toValue(field, one));
}
