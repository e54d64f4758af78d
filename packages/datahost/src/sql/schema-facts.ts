import { CHANGE_TABLE } from "../changes/names.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { RootPage } from "./step-bound.ts";
import { foldName, isName, keywordOf, type Token } from "./tokenizer.ts";

/** The platform's own table in a user's database; its name begins as those that D1's tools leave out. */
export const COMMIT_TABLE = "_cf_aero_commits";

const RESERVED_TABLES = new Set([COMMIT_TABLE, CHANGE_TABLE]);

export const SEQUENCE_TABLE = "sqlite_sequence";

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly rootpage: number | null;
  readonly sql: string | null;
}

/** What is known of a database's schema without asking SQLite again. Valid until the schema changes. */
export interface SchemaFacts {
  readonly rootPage: (root: number) => RootPage | undefined;
  readonly isReservedRoot: (root: number) => boolean;
  /**
   * Whether SQLite compiles the statement within a few milliseconds: it names no view, no virtual table and no table with
   * computed columns, which multiply as they are expanded, and a write fires no trigger.
   */
  isPlain(tokens: readonly Token[], isWrite: boolean): boolean;
}

const MAX_PLAIN_TOKENS = 1_500;
const MAX_PLAIN_SELECTS = 8;
const MAX_PLAIN_TABLES = 24;

interface SchemaObject {
  readonly isComplex: boolean;
  hasTriggers: boolean;
}

export function readSchemaFacts(db: SqliteDatabase): SchemaFacts {
  const rows = db.prepare("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema").all() as SchemaRow[];
  const objects = new Map<string, SchemaObject>();
  const roots = new Map<number, RootPage>([[1, { table: "sqlite_schema", isIndex: false, isShadow: false }]]);
  const virtualTables: string[] = [];
  for (const row of rows) {
    if (row.type !== "table" && row.type !== "view") continue;
    const isVirtual = row.type === "table" && !row.rootpage;
    if (isVirtual) virtualTables.push(foldName(row.name));
    objects.set(foldName(row.name), {
      isComplex: row.type === "view" || isVirtual || hasComputedColumns(row.sql),
      hasTriggers: false,
    });
  }
  const isShadow = (name: string) => virtualTables.some((table) => name.startsWith(`${table}_`));
  for (const row of rows) {
    const table = foldName(row.tbl_name);
    const object = row.type === "trigger" ? objects.get(table) : undefined;
    if (object !== undefined) object.hasTriggers = true;
    if (row.rootpage) roots.set(row.rootpage, { table, isIndex: row.type === "index", isShadow: isShadow(table) });
  }
  return {
    rootPage: (root) => roots.get(root),
    isReservedRoot: (root) => RESERVED_TABLES.has(roots.get(root)?.table ?? ""),
    isPlain: (tokens, isWrite) => isPlain(objects, tokens, isWrite),
  };
}

/** Errs on the side of yes: `CHECK (CAST(a AS (…` does not occur, a column called "generated" costs a little speed. */
function hasComputedColumns(sql: string | null): boolean {
  return sql !== null && /\bgenerated\b|\bas\s*\(/i.test(sql);
}

function isPlain(objects: ReadonlyMap<string, SchemaObject>, tokens: readonly Token[], isWrite: boolean): boolean {
  if (tokens.length > MAX_PLAIN_TOKENS) return false;
  let selects = 0;
  let tables = 0;
  for (const token of tokens) {
    const keyword = keywordOf(token);
    if (keyword === "WITH") return false;
    if (keyword === "SELECT" && ++selects > MAX_PLAIN_SELECTS) return false;
    // A string may stand for a table's name.
    if (!isName(token) && token.kind !== "string") continue;
    const name = foldName(token.text);
    // The length of AUTOINCREMENT's own table matters to every insert: who changes it is looked after.
    if (isWrite && name === SEQUENCE_TABLE) return false;
    const object = objects.get(name);
    if (object === undefined) continue;
    if (object.isComplex || (isWrite && object.hasTriggers) || ++tables > MAX_PLAIN_TABLES) return false;
  }
  return true;
}
