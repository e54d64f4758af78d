import type { SqlParameter } from "../database/service.ts";

/** A condition that is true or false for every row, never unknown; a constant where no row decides. */
export type SqlCondition = boolean | { readonly sql: string; readonly params: readonly SqlParameter[] };

export function all(conditions: readonly SqlCondition[]): SqlCondition {
  return join(conditions, true, " AND ");
}

export function any(conditions: readonly SqlCondition[]): SqlCondition {
  return join(conditions, false, " OR ");
}

export function not(condition: SqlCondition): SqlCondition {
  if (typeof condition === "boolean") return !condition;
  return { sql: `NOT ${condition.sql}`, params: condition.params };
}

/** @param neutral what an empty list is, and what changes nothing */
function join(conditions: readonly SqlCondition[], neutral: boolean, word: string): SqlCondition {
  if (conditions.includes(!neutral)) return !neutral;
  const parts = conditions.filter((condition) => typeof condition !== "boolean");
  const [only] = parts;
  if (only === undefined) return neutral;
  if (parts.length === 1) return only;
  return { sql: `(${parts.map(({ sql }) => sql).join(word)})`, params: parts.flatMap(({ params }) => params) };
}

/** For a WHERE. */
export function toWhere(condition: SqlCondition): { readonly sql: string; readonly params: readonly SqlParameter[] } {
  return typeof condition === "boolean" ? { sql: condition ? "1" : "0", params: [] } : condition;
}

/** A name of a column or table between quotes. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
