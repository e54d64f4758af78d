import type { SqlValue } from "./sql.ts";
import type { Database } from "./sqlite-driver.ts";
import { storable } from "./storable.ts";

/** Rows on their way to a SQLite file: each has the values of the columns, in their order. */
export interface InsertBatch {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  readonly ignoreDuplicates: boolean;
}

/**
 * A prepared statement per row in one savepoint, on the driver itself: 5.6 µs a log line, where JSON taken apart by the
 * database costs 10 and a statement through Kysely more.
 */
export function insertOnSqlite(database: Database, { table, columns, rows, ignoreDuplicates }: InsertBatch): void {
  const statement = database.prepare(
    `insert into ${quoted(table)} (${columns.map(quoted).join(", ")}) values (${columns.map(() => "?").join(", ")})` +
      (ignoreDuplicates ? " on conflict do nothing" : ""),
  );
  const insertAll = database.transaction(() => {
    for (const row of rows) statement.run(row.map(storable));
  });
  insertAll();
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
