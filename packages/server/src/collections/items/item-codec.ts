import type { SqlParameter } from "../../database/service.ts";
import type { Column, Columns } from "../schema/columns.ts";

/** An item as interfaces show it. */
export type Item = Readonly<Record<string, unknown>> & { readonly id: string };

/** A value of a field as its column stores it; undefined and null: nothing. */
export function encodeValue(column: Column, value: unknown): SqlParameter {
  if (value === undefined || value === null) return null;
  if (column.kind === "json") return JSON.stringify(value);
  if (column.kind === "boolean") return Number(value);
  return value as SqlParameter;
}

/** A value of a column as interfaces show it. Tolerates what SQL of others may have stored. */
export function decodeValue(column: Column, stored: unknown): unknown {
  if (stored === null || stored === undefined) return null;
  if (column.kind === "boolean") return typeof stored === "boolean" ? stored : Number(stored) !== 0;
  if (column.kind !== "json" || typeof stored !== "string") return stored;
  try {
    return JSON.parse(stored) as unknown;
  } catch {
    return null;
  }
}

/**
 * An item in the order of its columns. A field without a value is left out where its schema does not allow null.
 *
 * @param fields those to show; all by default
 */
export function showItem(
  item: Readonly<Record<string, unknown>>,
  columns: Columns,
  fields?: ReadonlySet<string>,
): Item {
  const shown: Record<string, unknown> & { id: string } = { id: String(item.id) };
  for (const column of columns.values()) {
    if (fields !== undefined && !fields.has(column.name)) continue;
    const value = item[column.name] ?? null;
    if (value !== null || column.nullable) shown[column.name] = value;
  }
  return shown;
}

/** A row of the table as an item. */
export function toItem(row: Readonly<Record<string, unknown>>, columns: Columns, fields?: ReadonlySet<string>): Item {
  const item: Record<string, unknown> = {};
  for (const column of columns.values()) item[column.name] = decodeValue(column, row[column.name]);
  return showItem(item, columns, fields);
}
