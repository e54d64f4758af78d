import { TOO_BIG_MESSAGE } from "../sql/values.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";

/**
 * Holds rows of user tables to the size limit while a statement runs that can build values of its own (`a || a`, hex,
 * group_concat). The driver cannot lower SQLite's own limit of half a gigabyte, so temporary triggers look at each row that
 * is written. That no larger row exists is what lets the host read rows in its own process.
 */
export function withValueGuard<T>(db: SqliteDatabase, tables: readonly string[], maxRowBytes: number, run: () => T): T {
  const names: string[] = [];
  try {
    for (const table of tables) names.push(...guardTable(db, table, maxRowBytes));
    return run();
  } finally {
    for (const name of names) db.exec(`DROP TRIGGER IF EXISTS temp.${name}`);
  }
}

function guardTable(db: SqliteDatabase, table: string, maxRowBytes: number): string[] {
  const id = quoteName(table);
  const columns = columnsOf(db, table);
  if (columns.length === 0) return [];
  const size = sumOfSizes(columns, "new.");
  return ["INSERT", "UPDATE"].map((event, at) => {
    const name = `aero_guard_${at}_${Buffer.from(table).toString("hex")}`;
    db.exec(
      `CREATE TEMP TRIGGER ${name} AFTER ${event} ON main.${id} WHEN ${size} > ${maxRowBytes}
       BEGIN SELECT RAISE(ABORT, '${TOO_BIG_MESSAGE}'); END`,
    );
    return name;
  });
}

/** Whether a table has a row over the limit. Sizes are read from the rows' heads: no large value is loaded. */
export function hasLargeRow(db: SqliteDatabase, table: string, maxRowBytes: number): boolean {
  const columns = columnsOf(db, table);
  if (columns.length === 0) return false;
  const sql = `SELECT 1 FROM main.${quoteName(table)} WHERE ${sumOfSizes(columns, "")} > ${maxRowBytes} LIMIT 1`;
  return db.prepare(sql).get() !== undefined;
}

function columnsOf(db: SqliteDatabase, table: string): string[] {
  return db.prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0").pluck().all(table) as string[];
}

/** In slices: an expression may not be deeper than SQLite's limit of 1,000. */
function sumOfSizes(columns: readonly string[], prefix: string): string {
  const size = (column: string) => `ifnull(octet_length(${prefix}${quoteName(column)}), 0)`;
  const slices: string[] = [];
  for (let at = 0; at < columns.length; at += 100) {
    slices.push(
      `(${columns
        .slice(at, at + 100)
        .map(size)
        .join(" + ")})`,
    );
  }
  return slices.join(" + ");
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
