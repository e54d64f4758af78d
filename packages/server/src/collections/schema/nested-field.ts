import type { JsonSchema } from "./check-schema.ts";
import { type Column, type ColumnKind, type Columns, kindOf, resolveReference, typesOf } from "./columns.ts";

/** `any`: what there is may be of every kind, and is taken for what it is. */
export type FieldKind = ColumnKind | "any";

/** A column, or a value within the JSON that a column holds. */
export interface Field {
  readonly column: Column;
  /** Names within the column's object; none: the column itself. */
  readonly path: readonly string[];
  readonly kind: FieldKind;
}

/** Names below the column's own: each is one more look into the JSON of every row. */
export const MAX_FIELD_DEPTH = 8;
/** Of all paths of one rule or filter: each is a hundred bytes of a statement, which has at most 100,000. */
export const MAX_NESTED_NAMES = 60;
/** What stands in a statement as it is: no quote, no dot, nothing that JSON escapes. */
const NAME = /^[A-Za-z0-9_$-]{1,63}$/;
/** Where one of these stands, the schema's properties are not all that it allows. */
const OPEN = ["allOf", "anyOf", "oneOf", "if", "not", "patternProperties", "dependentSchemas"];

export function columnField(column: Column): Field {
  return { column, path: [], kind: column.kind };
}

export function nameOf({ column, path }: Field): string {
  return [column.name, ...path].join(".");
}

/**
 * The field of a path, held against the schema: a column, then names within objects.
 *
 * @returns the field, or why there is none
 */
export function fieldAt(columns: Columns, [name = "", ...path]: readonly string[]): Field | { readonly flaw: string } {
  const column = columns.get(name);
  if (column === undefined) return { flaw: `there is no field '${name}'` };
  if (path.length === 0) return columnField(column);
  if (path.length > MAX_FIELD_DEPTH) return { flaw: `a path goes no more than ${MAX_FIELD_DEPTH} names deep` };
  let at: Place = { schema: column.schema, definitions: column.definitions };
  for (const [index, step] of path.entries()) {
    const place = [name, ...path.slice(0, index)].join(".");
    if (!NAME.test(step)) return { flaw: "a name in a path has letters, digits, '_', '$' and '-'" };
    const next = within(at, step);
    if (next === "no object") return { flaw: `the field '${place}' holds no object` };
    if (next === "unknown") return { flaw: `there is no field '${step}' in '${place}'` };
    at = next;
  }
  return { column, path, kind: nestedKind(at) };
}

interface Place {
  readonly schema: JsonSchema;
  readonly definitions: JsonSchema;
}

function within({ schema: given, definitions }: Place, name: string): Place | "no object" | "unknown" {
  const schema = resolveReference(given, definitions);
  const types = typesOf(schema);
  if (!types.has("object") && !types.has("any")) return "no object";
  const { properties, additionalProperties } = schema;
  const place = (next: unknown): Place => ({ schema: toSchema(next), definitions });
  if (typeof properties === "object" && properties !== null && Object.hasOwn(properties, name)) {
    return place((properties as JsonSchema)[name]);
  }
  if (additionalProperties === false) return "unknown";
  if (additionalProperties !== undefined) return place(additionalProperties);
  // Whoever names properties means these: another name is more likely a slip than wanted.
  const isOpen = properties === undefined || OPEN.some((keyword) => schema[keyword] !== undefined);
  return isOpen ? place({}) : "unknown";
}

function toSchema(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};
}

function nestedKind({ schema, definitions }: Place): FieldKind {
  const types = typesOf(resolveReference(schema, definitions));
  types.delete("null");
  const isWhole = [...types].every((type) => type === "object" || type === "array");
  if (isWhole && types.size > 0) return "json";
  const kind = kindOf(types);
  return kind === "json" ? "any" : kind;
}
