import type { CollectionChange, CollectionIndex } from "@aerostack/contracts";
import type { CompiledDefinition } from "../definition.ts";
import { type Column, isSystemField } from "../schema/columns.ts";
import { quoted } from "../sql-condition.ts";
import { columnSql, convertSql, createIndexSql, createTableSql, indexName } from "./table-sql.ts";

export interface TablePlan {
  readonly statements: readonly string[];
  readonly changes: readonly CollectionChange[];
}

/** Holds the values of a column while it is made anew. */
const TEMPORARY_COLUMN = "aero_converted";

/** The indexes that a definition asks for, and the one by which owners find what is theirs, in the order of a list. */
export function indexesOf({ definition }: CompiledDefinition): CollectionIndex[] {
  const { indexes, rules } = definition;
  const isCovered = rules.list !== "owner" || indexes.some(({ fields }) => fields[0] === "owner_id");
  return isCovered ? [...indexes] : [...indexes, { fields: ["owner_id", "id"], unique: false }];
}

/**
 * What turns a collection's table as it is into the one of its next definition. A column keeps its place in views, triggers
 * and foreign keys of others: nothing is built anew but the columns that change.
 *
 * @param existing names of the table's columns; undefined where there is no table
 */
export function planTable(
  name: string,
  previous: CompiledDefinition | null,
  next: CompiledDefinition,
  existing: ReadonlySet<string> | undefined,
): TablePlan {
  const statements: string[] = [];
  const changes: CollectionChange[] = [];
  const note = (what: string, destructive = false) => void changes.push({ what, destructive });
  const table = quoted(name);

  if (existing === undefined) {
    statements.push(createTableSql(name, next.columns));
    note(`create table ${name}`);
    for (const index of indexesOf(next)) statements.push(createIndexSql(name, index));
    return { statements, changes };
  }

  const wanted = new Map(indexesOf(next).map((index) => [indexName(name, index), index]));
  const known = new Map((previous === null ? [] : indexesOf(previous)).map((index) => [indexName(name, index), index]));
  const dropped = new Set([...known.keys()].filter((index) => !wanted.has(index)));
  const fieldsOf = (compiled: CompiledDefinition | null) =>
    [...(compiled?.columns.values() ?? [])].filter((column) => !isSystemField(column.name));
  const columnStatements: string[] = [];
  const touched = new Set<string>();

  for (const column of fieldsOf(previous)) {
    if (next.columns.has(column.name) || !existing.has(column.name)) continue;
    touched.add(column.name);
    columnStatements.push(`ALTER TABLE ${table} DROP COLUMN ${quoted(column.name)}`);
    note(`drop column ${column.name}`, true);
  }
  for (const column of fieldsOf(next)) {
    const before = previous?.columns.get(column.name);
    if (!existing.has(column.name)) {
      columnStatements.push(`ALTER TABLE ${table} ADD COLUMN ${columnSql(column)}`);
      note(`add column ${column.name}`);
    } else if (before === undefined || columnSql(before) !== columnSql(column)) {
      touched.add(column.name);
      columnStatements.push(...remake(table, before ?? { ...column, kind: "string" }, column));
      const isTypeKept = before?.kind === column.kind;
      note(
        isTypeKept
          ? `change the default of column ${column.name}`
          : `change column ${column.name} from ${before?.kind ?? "what it is"} to ${column.kind}`,
        !isTypeKept && !(before?.kind === "integer" && column.kind === "number"),
      );
    }
  }

  // SQLite drops no column that an index holds.
  for (const [index, { fields }] of known) if (fields.some((field) => touched.has(field))) dropped.add(index);
  for (const index of dropped) statements.push(`DROP INDEX IF EXISTS ${quoted(index)}`);
  statements.push(...columnStatements);
  for (const index of wanted.values()) statements.push(createIndexSql(name, index));
  for (const index of known.keys()) if (!wanted.has(index)) note(`drop index ${index}`);
  for (const index of wanted.keys()) if (!known.has(index)) note(`create index ${index}`);
  return { statements, changes };
}

/** A column with another type or default: a second one takes over its values and then its name. */
function remake(table: string, before: Column, after: Column): string[] {
  const name = quoted(after.name);
  return [
    `ALTER TABLE ${table} ADD COLUMN ${columnSql({ ...after, name: TEMPORARY_COLUMN })}`,
    `UPDATE ${table} SET ${quoted(TEMPORARY_COLUMN)} = ${convertSql(after.name, before.kind, after.kind)}`,
    `ALTER TABLE ${table} DROP COLUMN ${name}`,
    `ALTER TABLE ${table} RENAME COLUMN ${quoted(TEMPORARY_COLUMN)} TO ${name}`,
  ];
}
