import { AerostackError } from "@aerostack/contracts";
import { Ajv2020, type CodeOptions, type ErrorObject } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { FORMATS, type JsonSchema } from "./check-schema.ts";
import { MAX_ITEM_CHECKS, MAX_ITEM_DEPTH, MAX_PATTERN_STEPS } from "./limits.ts";
import { compileLinearPattern, createPatternBudget, PatternBudgetSpent } from "./linear-pattern.ts";

/** By field (dots for nesting), what is wrong with it. */
export type FieldErrors = Record<string, string[]>;

type RegExpEngine = NonNullable<CodeOptions["regExp"]>;

export interface ItemValidator {
  /** What is wrong with an item; null when nothing is. */
  check(item: Readonly<Record<string, unknown>>): FieldErrors | null;
}

const MAX_ERRORS = 50;
const SCHEMAS_OF_ONE_COMPILER = 200;
const WHOLE_ITEM = "item";

/** Compiles schemas that `checkSchema` let pass. */
export function createSchemaCompiler() {
  const budget = createPatternBudget();
  const regExp = Object.assign((pattern: string) => compileLinearPattern(pattern, budget), { code: "linear" });
  let ajv: Ajv2020;
  let compiledCount = 0;

  return {
    /** @throws VALIDATION_ERROR for a keyword of the wrong kind */
    compile(schema: JsonSchema, weight: number): ItemValidator {
      const validate = compile(schema);
      return {
        check(item) {
          const flaw = checkShape(item, weight);
          if (flaw !== null) return { [WHOLE_ITEM]: [flaw] };
          budget.stepsLeft = MAX_PATTERN_STEPS;
          try {
            return validate(item) ? null : toFieldErrors(validate.errors ?? []);
          } catch (error) {
            if (!(error instanceof PatternBudgetSpent)) throw error;
            return { [WHOLE_ITEM]: ["The texts are too long for the patterns of the schema."] };
          }
        },
      };
    },
  };

  function compile(schema: JsonSchema) {
    // The library remembers parts of every schema it ever compiled.
    if (compiledCount++ % SCHEMAS_OF_ONE_COMPILER === 0) ajv = createAjv(regExp);
    try {
      return ajv.compile(schema);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AerostackError("VALIDATION_ERROR", {
        message: `The schema is not valid: ${reason}`,
        details: { fieldErrors: { schema: [reason] } },
      });
    }
  }
}

function createAjv(regExp: RegExpEngine): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false, ownProperties: true, code: { regExp } });
  formats.default(ajv, [...FORMATS]);
  // The library's own compares every pair.
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({ keyword: "uniqueItems", type: "array", schemaType: "boolean", validate: areUnique, errors: false });
  return ajv;
}

export type SchemaCompiler = ReturnType<typeof createSchemaCompiler>;

function areUnique(isAsked: boolean, values: readonly unknown[]): boolean {
  return !isAsked || new Set(values.map((value) => canonicalJson(value))).size === values.length;
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** What no schema allows: texts that do not come back as they were stored, and more than can be checked in bounded time. */
function checkShape(item: unknown, weight: number): string | null {
  let values = 0;
  let level: unknown[] = [item];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_ITEM_DEPTH) return `An item is at most ${MAX_ITEM_DEPTH} deep.`;
    const next: unknown[] = [];
    for (const value of level) {
      values++;
      if (typeof value === "string" && (!value.isWellFormed() || value.includes("\0"))) return UNSTORABLE;
      if (typeof value !== "object" || value === null) continue;
      for (const [key, part] of Object.entries(value)) {
        if (!key.isWellFormed() || key.includes("\0")) return UNSTORABLE;
        next.push(part);
      }
    }
    if (values * weight > MAX_ITEM_CHECKS) return "The item has more values than its schema can check at once.";
    level = next;
  }
  return null;
}

const UNSTORABLE = "A text holds a NUL character or half of a surrogate pair.";

function toFieldErrors(errors: readonly ErrorObject[]): FieldErrors {
  const fields: FieldErrors = Object.create(null);
  for (const error of errors.slice(0, MAX_ERRORS)) {
    const { field, reason } = describe(error);
    const reasons = fields[field] ?? [];
    fields[field] = reasons.includes(reason) ? reasons : [...reasons, reason];
  }
  return fields;
}

function describe(error: ErrorObject): { field: string; reason: string } {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const params = error.params as Readonly<Record<string, unknown>>;
  const at = (...more: readonly unknown[]) => [...path, ...more.map(String)].join(".") || WHOLE_ITEM;
  switch (error.keyword) {
    case "required":
      return { field: at(params.missingProperty), reason: "is required" };
    case "dependentRequired":
      return { field: at(params.missingProperty), reason: `is required beside ${String(params.property)}` };
    case "additionalProperties":
      return { field: at(params.additionalProperty), reason: "is not a field of the schema" };
    case "enum":
      return { field: at(), reason: `must be one of ${(params.allowedValues as unknown[]).map(show).join(", ")}` };
    case "const":
      return { field: at(), reason: `must be ${show(params.allowedValue)}` };
    case "uniqueItems":
      return { field: at(), reason: "must not have the same item twice" };
    default:
      return { field: at(), reason: error.message ?? "is not valid" };
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
