import {
  AerostackError,
  type CustomFieldDefinition,
  type CustomFields,
  MAX_CUSTOM_FIELDS_BYTES,
} from "@aerostack/contracts";

/** Who writes: a user only what the project lets users write. */
export type FieldWriter = "user" | "project";

/**
 * Custom fields after a change: merged, null removes. Where the project declares fields, others are refused and values are
 * held to their type.
 *
 * @param definitions null: any fields
 * @throws VALIDATION_ERROR naming every field that is wrong, or more than 8 KiB in all
 */
export function changeCustomFields(
  stored: CustomFields,
  change: CustomFields,
  definitions: readonly CustomFieldDefinition[] | null,
  writer: FieldWriter,
): CustomFields {
  const problems = new Map<string, string>();
  if (definitions !== null) {
    const byName = new Map(definitions.map((definition) => [definition.name, definition]));
    for (const [name, value] of Object.entries(change)) {
      const problem = problemOf(byName.get(name), value, writer);
      if (problem !== null) problems.set(name, problem);
    }
  }
  refuse(problems);
  const merged = Object.entries({ ...stored, ...change }).filter(([, value]) => value !== null);
  const fields: CustomFields = Object.fromEntries(merged);
  if (Buffer.byteLength(JSON.stringify(fields)) > MAX_CUSTOM_FIELDS_BYTES) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `Custom fields have at most ${MAX_CUSTOM_FIELDS_BYTES} bytes as JSON.`,
      details: { fieldErrors: { customFields: ["are too large"] } },
    });
  }
  return fields;
}

/** @throws VALIDATION_ERROR naming the fields that a sign-up must bring and does not */
export function requireCustomFields(fields: CustomFields, definitions: readonly CustomFieldDefinition[] | null): void {
  const missing = (definitions ?? []).filter(
    ({ name, required, editable }) => required && editable && (fields[name] === undefined || fields[name] === null),
  );
  refuse(new Map(missing.map(({ name }) => [name, "is needed"])));
}

function refuse(problems: ReadonlyMap<string, string>): void {
  const [first] = problems;
  if (first === undefined) return;
  throw new AerostackError("VALIDATION_ERROR", {
    message: `customFields.${first[0]} ${first[1]}.`,
    details: {
      fieldErrors: Object.fromEntries([...problems].map(([name, text]) => [`customFields.${name}`, [text]])),
    },
  });
}

function problemOf(definition: CustomFieldDefinition | undefined, value: unknown, writer: FieldWriter): string | null {
  if (definition === undefined) return "is not a field of this project's users";
  const { type, required, editable, maxLength, values } = definition;
  if (!editable && writer === "user") return "is written by the application only";
  if (value === null) return required ? "cannot be removed" : null;
  switch (type) {
    case "string":
      if (typeof value !== "string") return "must be a text";
      if ([...value].length > maxLength) return `has more than ${maxLength} characters`;
      return values === null || values.includes(value) ? null : `must be one of: ${values.join(", ")}`;
    case "number":
      return typeof value === "number" ? null : "must be a number";
    case "boolean":
      return typeof value === "boolean" ? null : "must be true or false";
    case "date":
      return typeof value === "string" && isDate(value) ? null : "must be a date, such as 2026-06-01";
    case "json":
      return null;
    default:
      return type satisfies never;
  }
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/.test(text) && !Number.isNaN(Date.parse(text));
}
