import type { SqlCell } from "../protocol.ts";

export const CHANGE_OPERATIONS = ["INSERT", "UPDATE", "DELETE"] as const;
export type ChangeOperation = (typeof CHANGE_OPERATIONS)[number];

/** A row that was changed: its table, what was done (place in `CHANGE_OPERATIONS`), and the row's values after and before. */
export type CapturedChange = readonly [
  table: number,
  operation: number,
  row: readonly SqlCell[] | null,
  old: readonly SqlCell[] | null,
];

/** Changes of one transaction, or a part of them, in order. Written as JSON into the change log and sent as it is. */
export interface ChangeSet {
  /** The tables that the changes name by number, with their columns. */
  readonly tables: readonly (readonly [name: string, columns: readonly string[]])[];
  readonly changes: readonly CapturedChange[];
  /** Tables of which so much was changed at once that the rows are not told. */
  readonly untold?: readonly string[];
}

export type ChangedRow = Readonly<Record<string, SqlCell>>;

/** A change as it is told: rows by column. */
export interface RowChange {
  readonly table: string;
  readonly operation: ChangeOperation;
  /** What the row is now; null for one that was deleted. */
  readonly row: ChangedRow | null;
  /** What it was; null for one that was inserted. */
  readonly old: ChangedRow | null;
}

function toRow(columns: readonly string[], values: readonly SqlCell[] | null): ChangedRow | null {
  if (values === null) return null;
  return Object.fromEntries(columns.map((column, at) => [column, values[at] ?? null]));
}

/** Reads what the data host sends as `db.changes`. */
export function readChangeSet(body: string): { readonly changes: RowChange[]; readonly untold: readonly string[] } {
  const { tables, changes, untold = [] } = JSON.parse(body) as ChangeSet;
  return {
    changes: changes.flatMap(([at, operation, row, old]): RowChange[] => {
      const [table, columns] = tables[at] ?? [];
      const name = CHANGE_OPERATIONS[operation];
      if (table === undefined || columns === undefined || name === undefined) return [];
      return [{ table, operation: name, row: toRow(columns, row), old: toRow(columns, old) }];
    }),
    untold,
  };
}
