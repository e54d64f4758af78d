import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { quoteName } from "./value-guard.ts";

/** Writes a database out as SQL, piece by piece, as it was when the reader was made. */
export interface ExportReader {
  next(): { readonly text: string; readonly done: boolean };
  close(): void;
}

const PIECE_CHARACTERS = 256 * 1024;

interface SchemaEntry {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/**
 * Order: tables with their rows, virtual tables with theirs, then indexes, triggers and views, so that no trigger fires while
 * rows are put back. Left out: the platform's table, the inner tables of virtual ones, computed columns.
 */
export function createExportReader(db: SqliteDatabase): ExportReader {
  db.exec("BEGIN");
  const pieces = writeDatabase(db);
  let open = true;

  function close(): void {
    if (!open) return;
    open = false;
    pieces.return(undefined);
    if (db.inTransaction) db.exec("COMMIT");
  }

  return {
    next() {
      let text = "";
      while (text.length < PIECE_CHARACTERS) {
        const piece = pieces.next();
        if (piece.done) {
          close();
          return { text, done: true };
        }
        text += piece.value;
      }
      return { text, done: false };
    },
    close,
  };
}

function* writeDatabase(db: SqliteDatabase): Generator<string, void> {
  yield "PRAGMA defer_foreign_keys = ON;\n";
  const entries = db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
    .all() as SchemaEntry[];
  const kinds = new Map(
    (
      db.prepare("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").raw().all() as [string, string][]
    ).map(([name, type]) => [name, type]),
  );
  const own = entries.filter(({ name }) => !/^(?:sqlite_|_cf_|_aero_)/i.test(name));
  const tables = own.filter((entry) => entry.type === "table");
  for (const table of tables.filter(({ name }) => kinds.get(name) === "table")) {
    yield `${table.sql};\n`;
    yield* writeRows(db, table.name);
  }
  for (const table of tables.filter(({ name }) => kinds.get(name) === "virtual")) {
    yield `${table.sql};\n`;
    yield* writeVirtualRows(db, table);
  }
  if (entries.some(({ name }) => name === "sqlite_sequence")) {
    yield "DELETE FROM sqlite_sequence;\n";
    yield* writeRows(db, "sqlite_sequence");
  }
  for (const type of ["index", "view", "trigger"]) {
    for (const entry of own) if (entry.type === type) yield `${entry.sql};\n`;
  }
}

function* writeRows(db: SqliteDatabase, table: string, columns = storedColumns(db, table)): Generator<string, void> {
  if (columns.length === 0) return;
  const list = columns.map(quoteName).join(", ");
  const head = `INSERT INTO ${quoteName(table)} (${list}) VALUES (`;
  const rows = db
    .prepare(`SELECT ${list} FROM ${quoteName(table)}`)
    .raw()
    .safeIntegers()
    .iterate();
  for (const row of rows as Iterable<unknown[]>) yield `${head}${row.map(toLiteral).join(", ")});\n`;
}

function storedColumns(db: SqliteDatabase, table: string): string[] {
  return db.prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0").pluck().all(table) as string[];
}

/** A full-text index over another table is built again; one without content cannot be read back. */
function* writeVirtualRows(db: SqliteDatabase, table: SchemaEntry): Generator<string, void> {
  if (/\busing\s+(?:fts5vocab|fts4aux)\b/i.test(table.sql)) return;
  const isFullText = /\busing\s+fts[345]\b/i.test(table.sql);
  const content = isFullText ? /\bcontent\s*=\s*(''|""|[^\s,)]+)/i.exec(table.sql)?.[1] : undefined;
  if (content === "''" || content === '""') {
    yield `-- ${table.name.replaceAll("\n", " ")} has no content of its own to export.\n`;
  } else if (content !== undefined) {
    yield `INSERT INTO ${quoteName(table.name)} (${quoteName(table.name)}) VALUES ('rebuild');\n`;
  } else {
    yield* writeRows(db, table.name, isFullText ? ["rowid", ...storedColumns(db, table.name)] : undefined);
  }
}

/** @param value with integers as bigint, so that 1 and 1.0 stay different and none loses digits. */
function toLiteral(value: unknown): string {
  if (value === null) return "NULL";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return toReal(value);
  if (Buffer.isBuffer(value)) return `X'${value.toString("hex")}'`;
  const text = String(value);
  if (text.includes("\0")) return `CAST(X'${Buffer.from(text).toString("hex")}' AS TEXT)`;
  return `'${text.replaceAll("'", "''")}'`;
}

function toReal(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "9e999";
  if (value === Number.NEGATIVE_INFINITY) return "-9e999";
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
