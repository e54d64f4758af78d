import type { SqlValue } from "./sql.ts";

/** PostgreSQL stores neither NUL nor half of a surrogate pair; both become U+FFFD on both databases, as in a decoder. */
export function storable(value: SqlValue): SqlValue {
  return typeof value === "string" ? toStorableText(value) : value;
}

/** Text that both databases can store: without NUL and without half surrogate pairs. */
export function toStorableText(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes("\0") ? wellFormed.replaceAll("\0", "\uFFFD") : wellFormed;
}
