import type { CollectionIndex } from "@aerostack/contracts";
import { encodeValue } from "../items/item-codec.ts";
import { type Column, type ColumnKind, type Columns, isSystemField } from "../schema/columns.ts";
import { quoted } from "../sql-condition.ts";

const STORAGE: Readonly<Record<ColumnKind, string>> = {
  string: "TEXT",
  integer: "INTEGER",
  number: "REAL",
  boolean: "INTEGER",
  json: "TEXT",
};

/** UTC with milliseconds, as the API writes it: rows that SQL inserts sort among the others. */
const NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/** A field's column: its type, what may stand in it, and what stands there where an INSERT names no value. */
export function columnSql(column: Column): string {
  const name = quoted(column.name);
  const check =
    column.kind === "boolean"
      ? ` CHECK (${name} IN (0, 1))`
      : column.kind === "json"
        ? ` CHECK (json_valid(${name}))`
        : "";
  return `${name} ${STORAGE[column.kind]}${defaultSql(column)}${check}`;
}

function defaultSql(column: Column): string {
  if (column.defaultValue === undefined || column.defaultValue === null) return "";
  return ` DEFAULT ${literal(encodeValue(column, column.defaultValue))}`;
}

function literal(value: string | number | boolean | null): string {
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  return value === null ? "NULL" : String(Number(value));
}

/** The table of a collection. STRICT, so that SQL of others stores nothing that a field cannot hold. */
export function createTableSql(name: string, columns: Columns): string {
  const fields = [...columns.values()].filter((column) => !isSystemField(column.name)).map(columnSql);
  return `CREATE TABLE ${quoted(name)} (
  "id" TEXT NOT NULL PRIMARY KEY DEFAULT ('${name}_' || lower(hex(randomblob(13)))),
  "owner_id" TEXT,
  "created_at" TEXT NOT NULL DEFAULT (${NOW}),
  "updated_at" TEXT NOT NULL DEFAULT (${NOW}),
  ${fields.join(",\n  ")}
) STRICT`;
}

export function indexName(table: string, { fields, unique }: CollectionIndex): string {
  return `${table}__${fields.join("__")}${unique ? "__unique" : ""}`;
}

export function createIndexSql(table: string, index: CollectionIndex): string {
  const fields = index.fields.map(quoted).join(", ");
  const name = quoted(indexName(table, index));
  return `CREATE${index.unique ? " UNIQUE" : ""} INDEX IF NOT EXISTS ${name} ON ${quoted(table)} (${fields})`;
}

/** A value of one kind of column as another kind's; null where it has no such value. */
export function convertSql(column: string, from: ColumnKind, to: ColumnKind): string {
  const name = quoted(column);
  if (from === to) return name;
  switch (to) {
    case "string":
      if (from === "boolean") return `CASE ${name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`;
      return `CAST(${name} AS TEXT)`;
    case "number":
      if (from === "integer" || from === "boolean") return `CAST(${name} AS REAL)`;
      return from === "string" ? numberOfText(name, "real") : "NULL";
    case "integer":
      if (from === "boolean") return name;
      if (from === "number") return `CASE WHEN ${name} = CAST(${name} AS INTEGER) THEN CAST(${name} AS INTEGER) END`;
      return from === "string" ? numberOfText(name, "integer") : "NULL";
    case "boolean":
      if (from === "string") return `CASE ${name} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`;
      return from === "json" ? "NULL" : `CASE WHEN ${name} IN (0, 1) THEN CAST(${name} AS INTEGER) END`;
    case "json":
      if (from === "string") return `json_quote(${name})`;
      if (from === "boolean") return `CASE ${name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`;
      return `CAST(${name} AS TEXT)`;
  }
}

/** A text that is a number as JSON writes one. */
function numberOfText(name: string, kind: "integer" | "real"): string {
  const accepted = kind === "integer" ? "('integer')" : "('integer', 'real')";
  return `CASE WHEN NOT json_valid(${name}) THEN NULL WHEN json_type(${name}) IN ${accepted} THEN CAST(${name} AS ${kind.toUpperCase()}) END`;
}
