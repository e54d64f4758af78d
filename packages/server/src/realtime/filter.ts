import { AerostackError } from "@aerostack/contracts";
import type { OutgoingFrame } from "./outgoing-frame.ts";

/** Fields of an event's data with the values that a subscriber wants to hear of. */
export type Filter = Readonly<Record<string, string | number | boolean | null>>;

const MAX_FIELDS = 20;

/** @throws VALIDATION_ERROR */
export function readFilter(asked: Readonly<Record<string, unknown>> | null | undefined): Filter | null {
  const fields = Object.entries(asked ?? {});
  if (fields.length === 0) return null;
  const isFit = fields.every(([, value]) => value === null || ["string", "number", "boolean"].includes(typeof value));
  if (!isFit || fields.length > MAX_FIELDS) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `A filter has at most ${MAX_FIELDS} fields, each with a text, a number, true, false or null.`,
    });
  }
  return Object.fromEntries(fields) as Filter;
}

/**
 * Whether the data of an event has these values; of a row also when it had them before. Of columns that were left out it is
 * not known, and it is told.
 */
export function passesFilter(
  filter: Filter | null,
  { data, old, truncated }: Pick<OutgoingFrame, "data" | "old" | "truncated">,
): boolean {
  if (filter === null) return true;
  return hasValues(filter, data, truncated) || (old !== undefined && hasValues(filter, old, truncated));
}

function hasValues(filter: Filter, data: unknown, unknown: readonly string[] = []): boolean {
  if (typeof data !== "object" || data === null) return false;
  return Object.entries(filter).every(([name, value]) => {
    if (unknown.includes(name)) return true;
    const found = Object.hasOwn(data, name) ? (data as Record<string, unknown>)[name] : null;
    // SQLite has no booleans: true is 1.
    return found === value || (typeof value === "boolean" && found === Number(value));
  });
}
