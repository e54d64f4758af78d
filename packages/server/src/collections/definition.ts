import {
  AerostackError,
  COLLECTION_OPERATIONS,
  type CollectionDefinition,
  type CollectionIndex,
  type CollectionOperation,
} from "@aerostack/contracts";
import { parseRule } from "./rules/parse-rule.ts";
import type { Rule } from "./rules/rule.ts";
import { checkSchema } from "./schema/check-schema.ts";
import { type Columns, columnsOf } from "./schema/columns.ts";
import type { ItemValidator, SchemaCompiler } from "./schema/compile-validator.ts";

/** A definition that was checked, with what is made of it. */
export interface CompiledDefinition {
  readonly definition: CollectionDefinition;
  readonly columns: Columns;
  readonly validator: ItemValidator;
  readonly rules: Readonly<Record<CollectionOperation, Rule>>;
}

/** A collection as it is in force. */
export interface Collection extends CompiledDefinition {
  readonly id: string;
  readonly name: string;
  /** Grows by one with each change. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/**
 * Checks a definition and compiles its schema and rules. Everything in it may be hostile.
 *
 * @throws VALIDATION_ERROR that names the place
 */
export function compileDefinition(definition: CollectionDefinition, schemas: SchemaCompiler): CompiledDefinition {
  const weight = checkSchema(definition.schema);
  const columns = columnsOf(definition.schema);
  const validator = schemas.compile({ ...definition.schema, additionalProperties: false }, weight);
  checkDefaults(columns, validator);
  checkIndexes(definition.indexes, columns);
  const rules = COLLECTION_OPERATIONS.map((operation) => [
    operation,
    parseRule(definition.rules[operation], operation, columns),
  ]);
  return { definition, columns, validator, rules: Object.fromEntries(rules) };
}

function checkDefaults(columns: Columns, validator: ItemValidator): void {
  const defaults: Record<string, unknown> = {};
  for (const { name, defaultValue } of columns.values()) if (defaultValue !== undefined) defaults[name] = defaultValue;
  for (const [field, reasons] of Object.entries(validator.check(defaults) ?? {})) {
    const [name = ""] = field.split(".");
    if (!Object.hasOwn(defaults, name) && field !== "item") continue;
    // What is missing beside the defaults is no fault of theirs.
    if (field === "item" && !reasons.some((reason) => reason.includes("surrogate"))) continue;
    throw invalid(`schema.properties.${field}.default`, reasons[0] ?? "is not valid");
  }
}

function checkIndexes(indexes: readonly CollectionIndex[], columns: Columns): void {
  for (const [index, { fields }] of indexes.entries()) {
    for (const field of fields) {
      const column = columns.get(field);
      if (column === undefined) throw invalid(`indexes.${index}`, `there is no field '${field}'`);
      if (column.kind === "json") throw invalid(`indexes.${index}`, `the field '${field}' holds no single value`);
    }
    if (new Set(fields).size !== fields.length) throw invalid(`indexes.${index}`, "a field is named twice");
  }
}

function invalid(field: string, reason: string): AerostackError {
  return new AerostackError("VALIDATION_ERROR", {
    message: `The definition is not valid: ${field}: ${reason}`,
    details: { fieldErrors: { [field]: [reason] } },
  });
}
