type JsonSchema = Readonly<Record<string, unknown>>;

const INDENT = "  ";
const MAX_DEPTH = 20;
const MAX_LITERALS = 50;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** A property's name as TypeScript writes it. */
export function propertyName(name: string): string {
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}

/** A text in a doc comment: on one line, and unable to end it. */
export function commentOf(text: unknown): string | undefined {
  if (typeof text !== "string" || text.trim() === "") return undefined;
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .replaceAll("*/", "*\\/")
    .trim();
}

/** The TypeScript type of what a JSON Schema allows; `unknown` where it says nothing that a type could. */
export function schemaType(schema: unknown, root: JsonSchema, indent = "", depth = 0): string {
  if (typeof schema !== "object" || schema === null || depth > MAX_DEPTH) return schema === false ? "never" : "unknown";
  const { $ref, const: constant, enum: values, anyOf, oneOf, allOf, type } = schema as JsonSchema;
  const inner = (one: unknown) => schemaType(one, root, indent, depth + 1);
  if (typeof $ref === "string") return inner(definitionOf($ref, root));
  if (constant !== undefined) return literal(constant);
  if (Array.isArray(values))
    return values.length <= MAX_LITERALS ? union(values.map(literal)) : union(values.map(nameOfType));
  if (Array.isArray(anyOf)) return union(anyOf.map(inner));
  if (Array.isArray(oneOf)) return union(oneOf.map(inner));
  const types = Array.isArray(type) ? type : [type];
  const own = union(types.map((one) => typeOf(String(one), schema as JsonSchema, root, indent, depth)));
  if (!Array.isArray(allOf)) return own;
  return (
    [own, ...allOf.map(inner)]
      .filter((one) => one !== "unknown")
      .map(grouped)
      .join(" & ") || "unknown"
  );
}

function typeOf(type: string, schema: JsonSchema, root: JsonSchema, indent: string, depth: number): string {
  switch (type) {
    case "string":
    case "boolean":
    case "null":
    case "number":
      return type;
    case "integer":
      return "number";
    case "array":
      return arrayType(schema, root, indent, depth);
    case "object":
      return objectType(schema, root, indent, depth);
    default:
      return "unknown";
  }
}

function arrayType({ items, prefixItems }: JsonSchema, root: JsonSchema, indent: string, depth: number): string {
  const rest = items === undefined ? "unknown" : schemaType(items, root, indent, depth + 1);
  if (!Array.isArray(prefixItems)) return `${grouped(rest)}[]`;
  const first = prefixItems.map((one) => `${grouped(schemaType(one, root, indent, depth + 1))}?`);
  return `[${[...first, ...(items === false ? [] : [`...${grouped(rest)}[]`])].join(", ")}]`;
}

function objectType(schema: JsonSchema, root: JsonSchema, indent: string, depth: number): string {
  const { properties, required, additionalProperties } = schema;
  const known = typeof properties === "object" && properties !== null ? (properties as JsonSchema) : {};
  if (Object.keys(known).length === 0) {
    if (additionalProperties === false) return "Record<string, never>";
    return `Record<string, ${schemaType(additionalProperties ?? true, root, indent, depth + 1)}>`;
  }
  const isRequired = new Set(Array.isArray(required) ? required : []);
  const deeper = indent + INDENT;
  const lines = Object.entries(known).flatMap(([name, property]) => {
    const comment = commentOf((property as JsonSchema | null)?.description);
    const mark = isRequired.has(name) ? "" : "?";
    return [
      ...(comment === undefined ? [] : [`${deeper}/** ${comment} */`]),
      `${deeper}${propertyName(name)}${mark}: ${schemaType(property, root, deeper, depth + 1)};`,
    ];
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function definitionOf(ref: string, { $defs }: JsonSchema): unknown {
  const name = ref.startsWith("#/$defs/") ? ref.slice("#/$defs/".length) : "";
  const definitions = (typeof $defs === "object" && $defs !== null ? $defs : {}) as JsonSchema;
  return Object.hasOwn(definitions, name) ? definitions[name] : undefined;
}

function literal(value: unknown): string {
  return typeof value === "object" && value !== null ? "unknown" : JSON.stringify(value);
}

function nameOfType(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? "unknown" : typeof value;
}

function union(types: readonly string[]): string {
  const distinct = [...new Set(types)];
  return distinct.includes("unknown")
    ? "unknown"
    : distinct.map((one) => (one.includes(" & ") ? `(${one})` : one)).join(" | ");
}

function grouped(type: string): string {
  return / [|&] /.test(type.replaceAll(/\{[\s\S]*\}/g, "{}")) ? `(${type})` : type;
}
