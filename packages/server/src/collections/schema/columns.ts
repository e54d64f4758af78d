import { AerostackError, ITEM_SYSTEM_FIELDS } from "@aerostack/contracts";
import type { JsonSchema } from "./check-schema.ts";
import { MAX_PROPERTIES } from "./limits.ts";

/** What a field holds: four kinds that SQLite knows, and everything else as JSON. */
export type ColumnKind = "string" | "integer" | "number" | "boolean" | "json";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** The schema allows null: then a field without a value is shown as null, else it is left out. */
  readonly nullable: boolean;
  /** What a new item has where none is given; undefined: nothing. */
  readonly defaultValue: unknown;
  /** What the property's schema says, and what it may refer to. */
  readonly schema: JsonSchema;
  readonly definitions: JsonSchema;
}

export type Columns = ReadonlyMap<string, Column>;

const SYSTEM_COLUMNS: readonly Column[] = ITEM_SYSTEM_FIELDS.map((name) => ({
  name,
  kind: "string",
  nullable: name === "owner_id",
  defaultValue: undefined,
  schema: { type: "string" },
  definitions: {},
}));

const PROPERTY_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** Parameters of lists, credentials in addresses, and names that SQLite or JavaScript give a meaning of their own. */
const RESERVED = new Set(
  "limit cursor sort fields filter count and or not apikey rowid oid _rowid_ __proto__ aero_converted".split(" "),
);
const RESERVED_PREFIX = /^(?:_cf_|_aero_|aerostack_|pragma_|sqlite_)/;

export function isSystemField(name: string): boolean {
  return ITEM_SYSTEM_FIELDS.some((field) => field === name);
}

/**
 * The columns of a collection's table in order: the platform's own, then one for each property.
 *
 * @throws VALIDATION_ERROR for a schema that is not an object's with named properties, or a name that cannot be a column
 */
export function columnsOf(schema: JsonSchema): Columns {
  const { type, properties, additionalProperties, patternProperties, $defs } = schema;
  if (type !== "object") refuse("schema.type", 'must be "object": an item has a field for each property.');
  if (typeof properties !== "object" || properties === null) refuse("schema.properties", "must name the fields.");
  if (additionalProperties !== undefined && additionalProperties !== false) {
    refuse("schema.additionalProperties", "must be false or left out: each field is a column of the table.");
  }
  if (patternProperties !== undefined) refuse("schema.patternProperties", "each field is named in properties.");
  const names = Object.keys(properties);
  if (names.length === 0 || names.length > MAX_PROPERTIES) {
    refuse("schema.properties", `a collection has 1 to ${MAX_PROPERTIES} fields.`);
  }
  const columns = new Map(SYSTEM_COLUMNS.map((column) => [column.name, column]));
  const folded = new Set<string>(ITEM_SYSTEM_FIELDS);
  for (const [name, property] of Object.entries(properties as JsonSchema)) {
    const place = `schema.properties.${name}`;
    const lower = name.toLowerCase();
    if (isSystemField(name)) refuse(place, "every item has this field already; leave it out of the schema.");
    if (!PROPERTY_NAME.test(name))
      refuse(place, "a field's name is a letter or '_' and up to 62 letters, digits or '_'.");
    if (RESERVED.has(lower) || RESERVED_PREFIX.test(lower) || name in Object.prototype)
      refuse(place, "this name is kept for the platform.");
    if (folded.has(lower))
      refuse(place, "another field has this name but for its case, which SQL does not tell apart.");
    folded.add(lower);
    columns.set(name, columnOf(name, property, ($defs ?? {}) as JsonSchema));
  }
  return columns;
}

function columnOf(name: string, property: unknown, definitions: JsonSchema): Column {
  const schema = resolveReference(property, definitions);
  const types = typesOf(schema);
  const nullable = types.has("null");
  types.delete("null");
  return { name, kind: kindOf(types), nullable, defaultValue: schema.default, schema, definitions };
}

/** A property that is nothing but a reference has the column of what it names. */
export function resolveReference(property: unknown, definitions: JsonSchema): JsonSchema {
  const schema = (typeof property === "object" && property !== null ? property : {}) as JsonSchema;
  if (typeof schema.$ref !== "string") return schema;
  const { $ref, ...beside } = schema;
  return { ...resolveReference(definitions[$ref.slice("#/$defs/".length)], definitions), ...beside };
}

/** The names of the types that a schema allows; `any` where it does not say. */
export function typesOf(schema: JsonSchema): Set<string> {
  if (typeof schema.type === "string") return new Set([schema.type]);
  if (Array.isArray(schema.type)) return new Set(schema.type.map(String));
  const values = "const" in schema ? [schema.const] : schema.enum;
  if (!Array.isArray(values)) return new Set(["null", "any"]);
  return new Set(values.map((value) => (value === null ? "null" : Number.isInteger(value) ? "integer" : typeof value)));
}

export function kindOf(types: ReadonlySet<string>): ColumnKind {
  const [only] = types;
  if (types.size === 2 && types.has("integer") && types.has("number")) return "number";
  if (types.size !== 1) return "json";
  return only === "string" || only === "integer" || only === "number" || only === "boolean" ? only : "json";
}

function refuse(field: string, reason: string): never {
  throw new AerostackError("VALIDATION_ERROR", {
    message: `The schema is not valid: ${field}: ${reason}`,
    details: { fieldErrors: { [field]: [reason] } },
  });
}
