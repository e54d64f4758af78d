import { type Kysely, type RawBuilder, sql } from "kysely";
import type { SqlValue } from "./sql.ts";
import type { InsertBatch } from "./sqlite-insert.ts";
import { storable } from "./storable.ts";

export type Row = Readonly<Record<string, SqlValue>>;

/** Inserts all rows or none; all have the columns of the first. */
export type InsertMany = <Tables>(
  db: Kysely<Tables>,
  table: string,
  rows: readonly Row[],
  ignoreDuplicates: boolean,
) => Promise<void>;

/**
 * One statement with one parameter: the rows as JSON, taken apart by the database. A parameter per value costs several
 * times as much and meets the limit on parameters.
 */
export const insertManyOnPostgres: InsertMany = async (db, table, rows, ignoreDuplicates) => {
  const [first] = rows;
  if (first === undefined) return;
  const target = sql.table(table);
  const names = sql.join(Object.keys(first).map((column) => sql.ref(column)));
  const conflict = ignoreDuplicates ? sql`on conflict do nothing` : sql``;
  await sql`insert into ${target} (${names}) ${postgresSource(target, names, rows)} ${conflict}`.execute(db);
};

function postgresSource(target: RawBuilder<unknown>, names: RawBuilder<unknown>, rows: readonly Row[]) {
  const json = JSON.stringify(rows, (_, value: unknown) => (typeof value === "string" ? storable(value) : value));
  return sql`select ${names} from json_populate_recordset(null::${target}, ${json}::json)`;
}

/** @returns null for no rows */
export function insertBatch(table: string, rows: readonly Row[], ignoreDuplicates: boolean): InsertBatch | null {
  const [first] = rows;
  if (first === undefined) return null;
  const columns = Object.keys(first);
  return { table, columns, rows: rows.map((row) => columns.map((column) => row[column] ?? null)), ignoreDuplicates };
}

/** @param insert is given the batch while Kysely's connection is held, so that no other statement comes between */
export function createSqliteInsertMany(insert: (batch: InsertBatch) => void | Promise<void>): InsertMany {
  return async (db, table, rows, ignoreDuplicates) => {
    const batch = insertBatch(table, rows, ignoreDuplicates);
    if (batch === null) return;
    if (db.isTransaction) await insert(batch);
    else await db.connection().execute(async () => insert(batch));
  };
}
