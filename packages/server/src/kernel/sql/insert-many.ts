import { type Kysely, type RawBuilder, sql } from "kysely";
import type { SqlDialect, SqlValue } from "./sql.ts";

/**
 * Many rows by one statement with one parameter: the rows as JSON, taken apart by the database. Inserting 1,000 rows
 * with a parameter per value costs several times as much and meets both databases' limits on parameters.
 */
export async function insertMany<Tables>(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  table: string,
  rows: readonly Readonly<Record<string, SqlValue>>[],
  ignoreDuplicates: boolean,
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const target = sql.table(table);
  const names = sql.join(columns.map((column) => sql.ref(column)));
  const conflict = ignoreDuplicates ? sql`on conflict do nothing` : sql``;
  const source = dialect === "sqlite" ? sqliteSource(columns, rows) : postgresSource(target, names, rows);
  await sql`insert into ${target} (${names}) ${source} ${conflict}`.execute(db);
}

function sqliteSource(columns: readonly string[], rows: readonly Readonly<Record<string, SqlValue>>[]) {
  const json = JSON.stringify(rows.map((row) => columns.map((column) => storable(row[column] ?? null))));
  const values = sql.join(columns.map((_, index) => sql`value ->> ${sql.lit(index)}`));
  // "where true" keeps SQLite from reading "on conflict" as a join condition.
  return sql`select ${values} from json_each(${json}) where true`;
}

function postgresSource(
  target: RawBuilder<unknown>,
  names: RawBuilder<unknown>,
  rows: readonly Readonly<Record<string, SqlValue>>[],
) {
  const json = JSON.stringify(rows, (_, value: unknown) => (typeof value === "string" ? storable(value) : value));
  return sql`select ${names} from json_populate_recordset(null::${target}, ${json}::json)`;
}

/** PostgreSQL stores neither NUL nor half of a surrogate pair; both become U+FFFD on both databases, as in a decoder. */
function storable(value: SqlValue): SqlValue {
  return typeof value === "string" ? toStorableText(value) : value;
}

/** Text that both databases can store: without NUL and without half surrogate pairs. */
export function toStorableText(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes("\0") ? wellFormed.replaceAll("\0", "\uFFFD") : wellFormed;
}
