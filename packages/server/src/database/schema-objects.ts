/** What a database's schema holds, by kind and name ("table items"), as SQLite keeps its SQL; null: removed. */
export type SchemaObjects = Readonly<Record<string, string | null>>;

/** Rows (key, sql) of everything that people made; names that begin like those of SQLite and the platform are left out. */
export const LIVE_SCHEMA = `SELECT type || ' ' || name AS key, sql FROM sqlite_schema WHERE sql IS NOT NULL
  AND substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, 4) <> '_cf_' AND substr(name, 1, 6) <> '_aero_'
  AND name NOT IN ('aerostack_migrations', 'aerostack_collections', 'aerostack_idempotent_items', 'aerostack_idempotent_items_age')`;

/**
 * The statement of an object with its parts on lines of their own, so that two can be compared by line. For people to read:
 * what it means is never taken from it.
 */
export function layOutSql(sql: string): string {
  let text = "";
  let depth = 0;
  let quote = "";
  for (const character of sql) {
    if (quote !== "") {
      text += character;
      if (character === quote) quote = "";
      continue;
    }
    if (character === "'" || character === '"' || character === "`") quote = character;
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === "(" && depth === 1) text += "(\n  ";
    else if (character === "," && depth === 1) text += ",\n  ";
    else if (character === ")" && depth === 0) text += "\n)";
    else if (!/\s/.test(character)) text += character;
    else if (!/\s$/.test(text)) text += " ";
  }
  return `${text.trim()};`;
}
