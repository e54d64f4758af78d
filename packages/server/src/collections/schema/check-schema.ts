import { AerostackError } from "@aerostack/contracts";
import { MAX_ENUM_VALUES, MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH, MAX_SCHEMA_WEIGHT } from "./limits.ts";
import { compileLinearPattern, createPatternBudget } from "./linear-pattern.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

const DRAFT = "https://json-schema.org/draft/2020-12/schema";
const LOCAL_REF = /^#\/\$defs\/([A-Za-z0-9_-]{1,100})$/;

export const FORMATS = ["date", "time", "date-time", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"] as const;

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE = new Set(["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"]);
const LIST = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const BY_NAME = new Set(["properties", "patternProperties", "dependentSchemas"]);
const PLAIN = new Set(
  `$schema $comment $defs $ref type enum const required dependentRequired minimum maximum exclusiveMinimum
   exclusiveMaximum multipleOf minLength maxLength pattern format minItems maxItems uniqueItems minContains maxContains
   minProperties maxProperties title description default examples deprecated readOnly writeOnly`.split(/\s+/),
);

function refuse(path: string, reason: string): never {
  const field = path === "" ? "schema" : `schema.${path}`;
  throw new AerostackError("VALIDATION_ERROR", {
    message: `The schema is not valid: ${field}: ${reason}`,
    details: { fieldErrors: { [field]: [reason] } },
  });
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Holds a schema of strangers to what can be checked in bounded time: a known set of keywords, references to its own `$defs`
 * alone and none that turns in a circle, patterns that are linear, and a bound on size, depth and on what is left when every
 * reference is followed.
 *
 * @returns how many keywords and subschemas there are when every reference is followed
 * @throws VALIDATION_ERROR that names the place
 */
export function checkSchema(root: JsonSchema): number {
  // Depth first, by hand: what is deep enough to overflow the stack is not looked at.
  checkNesting(root);
  if (Buffer.byteLength(JSON.stringify(root)) > MAX_SCHEMA_BYTES) refuse("", "a schema has at most 64 KiB.");
  const definitions = root.$defs === undefined ? {} : root.$defs;
  if (!isObject(definitions)) refuse("$defs", "must be an object.");
  let weight = 0;

  function visit(schema: unknown, path: string, following: readonly string[]): void {
    if (++weight > MAX_SCHEMA_WEIGHT) {
      refuse("", `there are more than ${MAX_SCHEMA_WEIGHT} keywords and subschemas when every $ref is followed.`);
    }
    if (typeof schema === "boolean") return;
    if (!isObject(schema)) refuse(path, "must be a schema.");
    const keywords = Object.entries(schema);
    weight += keywords.length;
    for (const [keyword, value] of keywords) {
      const place = path === "" ? keyword : `${path}.${keyword}`;
      if (ONE.has(keyword)) visit(value, place, following);
      else if (LIST.has(keyword)) {
        if (!Array.isArray(value)) refuse(place, "must be a list.");
        for (const [index, one] of value.entries()) visit(one, `${place}.${index}`, following);
      } else if (BY_NAME.has(keyword)) {
        if (!isObject(value)) refuse(place, "must be an object.");
        for (const [name, one] of Object.entries(value)) {
          if (keyword === "patternProperties") checkPattern(name, place);
          visit(one, `${place}.${name}`, following);
        }
      } else if (!PLAIN.has(keyword)) refuse(place, "this keyword is not supported.");
      else checkPlain(keyword, value, place, following);
    }
  }

  function checkPlain(keyword: string, value: unknown, place: string, following: readonly string[]): void {
    if (keyword === "$schema" && value !== DRAFT) refuse(place, `must be "${DRAFT}" or left out.`);
    if (keyword === "$defs" && place !== "$defs") refuse(place, "stands at the top of the schema only.");
    if (keyword === "pattern") checkPattern(value, place);
    if (keyword === "format" && !FORMATS.some((format) => format === value)) {
      refuse(place, `must be one of ${FORMATS.join(", ")}.`);
    }
    if (keyword === "enum" && (!Array.isArray(value) || value.length > MAX_ENUM_VALUES)) {
      refuse(place, `must be a list of at most ${MAX_ENUM_VALUES} values.`);
    }
    if (keyword !== "$ref") return;
    const name = typeof value === "string" ? LOCAL_REF.exec(value)?.[1] : undefined;
    if (name === undefined) refuse(place, "must name one of the schema's own definitions, such as '#/$defs/address'.");
    if (!Object.hasOwn(definitions as object, name)) refuse(place, `there is no definition '${name}'.`);
    if (following.includes(name)) refuse(place, "a definition may not contain itself.");
    visit((definitions as JsonSchema)[name], `$defs.${name}`, [...following, name]);
  }

  visit(root, "", []);
  for (const [name, definition] of Object.entries(definitions)) visit(definition, `$defs.${name}`, [name]);
  return weight;
}

function checkPattern(value: unknown, place: string): void {
  if (typeof value !== "string") refuse(place, "must be a text.");
  try {
    compileLinearPattern(value, createPatternBudget());
  } catch (error) {
    refuse(place, `this pattern is not supported: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function checkNesting(root: JsonSchema): void {
  let level: unknown[] = [root];
  // A schema's own depth counts twice: `properties` lies between a schema and its property's.
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 2 * MAX_SCHEMA_DEPTH) refuse("", `a schema is at most ${MAX_SCHEMA_DEPTH} deep.`);
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
}
