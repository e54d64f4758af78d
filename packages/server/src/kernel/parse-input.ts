import { AerostackError } from "@aerostack/contracts";
import type { z } from "zod";

/**
 * Checks one part of a request against its schema.
 *
 * @throws VALIDATION_ERROR with `details.fieldErrors`: by field (dots for nesting), what is wrong with it.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown, part: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fieldErrors: Record<string, string[]> = Object.create(null);
  for (const issue of parsed.error.issues) {
    const field = issue.path.length === 0 ? part : issue.path.map(String).join(".");
    fieldErrors[field] = [...(fieldErrors[field] ?? []), issue.message];
  }
  const [first] = Object.entries(fieldErrors);
  throw new AerostackError("VALIDATION_ERROR", {
    message:
      first === undefined ? `The ${part} is not valid.` : `The ${part} is not valid: ${first[0]}: ${first[1][0]}`,
    details: { fieldErrors },
  });
}
