import { type DatabaseAddress, type DatabaseService, rowObjects } from "./service.ts";

export interface ColumnDescription {
  readonly name: string;
  /** As declared, such as `INTEGER`; empty where nothing is. */
  readonly type: string;
  readonly nullable: boolean;
  readonly primaryKey: boolean;
  /** The SQL of the default, or null. */
  readonly defaultValue: string | null;
  /** Computed from others: it is read and never written. */
  readonly generated: boolean;
}

export interface TableDescription {
  readonly name: string;
  readonly kind: "table" | "view" | "virtual";
  readonly columns: readonly ColumnDescription[];
}

const COLUMNS_OF_ALL = `SELECT l.name AS tableName, l.type AS kind, x.name, x.type, x."notnull" AS isNotNull,
    x.dflt_value AS defaultValue, x.pk, x.hidden
  FROM pragma_table_list() AS l JOIN pragma_table_xinfo(l.name) AS x
  WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual')
    AND substr(l.name, 1, 7) <> 'sqlite_' AND substr(l.name, 1, 4) <> '_cf_' AND substr(l.name, 1, 6) <> '_aero_'
    AND l.name NOT IN ('aerostack_migrations', 'aerostack_collections', 'aerostack_idempotent_items')
  ORDER BY l.name, x.cid`;

// Column numbers of table_xinfo's `hidden`: of virtual tables, generated when read, generated when written.
const HIDDEN = 1;
const GENERATED = new Set([2, 3]);

/** The tables and views that people made, as they are now. */
export async function describeTables(
  databases: DatabaseService,
  address: DatabaseAddress,
): Promise<TableDescription[]> {
  const tables = new Map<string, { kind: TableDescription["kind"]; columns: ColumnDescription[] }>();
  for (const row of rowObjects(await databases.query(address, { sql: COLUMNS_OF_ALL }, "data"))) {
    const name = String(row.tableName);
    const table = tables.get(name) ?? { kind: row.kind as TableDescription["kind"], columns: [] };
    tables.set(name, table);
    if (row.hidden === HIDDEN) continue;
    const primaryKey = Number(row.pk) > 0;
    table.columns.push({
      name: String(row.name),
      type: String(row.type),
      nullable: row.isNotNull !== 1 && !primaryKey,
      primaryKey,
      defaultValue: row.defaultValue === null ? null : String(row.defaultValue),
      generated: GENERATED.has(Number(row.hidden)),
    });
  }
  return [...tables].map(([name, table]) => ({ name, ...table }));
}
