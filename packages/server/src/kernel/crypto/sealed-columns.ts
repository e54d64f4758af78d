import { type Kysely, sql as raw } from "kysely";
import type { Sql } from "../sql/index.ts";
import type { Envelope } from "./envelope.ts";

/** A column whose values are sealed by the envelope. Whoever seals says how its context is made. */
export interface SealedColumn {
  readonly table: string;
  /** Columns of text that name a row, in the order of the primary key. */
  readonly key: readonly [string, ...string[]];
  readonly column: string;
  /** The context that the row's value is sealed with. */
  readonly contextOf: (row: Readonly<Record<string, string>>) => string;
}

export interface ResealOptions {
  readonly sql: Sql<unknown>;
  readonly envelope: Envelope;
  readonly columns: readonly SealedColumn[];
  /** Called after each batch: how many rows of the table are under the newest key now. */
  readonly onProgress?: (table: string, resealed: number) => void;
  /** Rows of one transaction: it holds SQLite's writer for about a millisecond. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

export interface Resealed {
  readonly resealed: number;
  /** Values that none of the keys opens, by table; they stay as they are. */
  readonly unreadable: Readonly<Record<string, number>>;
}

const BATCH_SIZE = 50;

type Row = Readonly<Record<string, string | null>>;
type AnyTables = Record<string, Record<string, string | null>>;

interface Counts {
  readonly resealed: number;
  readonly unreadable: number;
}

/**
 * Wraps the data keys of all sealed values by the newest master key, after it was turned over: afterwards the older ones
 * may go. It may be stopped anywhere and begun again: a row under the newest key is not looked at a second time, and one
 * that changes meanwhile is left to whoever changed it, who sealed it under the newest key.
 */
export async function resealAll(options: ResealOptions): Promise<Resealed> {
  let resealed = 0;
  const unreadable: Record<string, number> = {};
  for (const column of options.columns) {
    const done = await resealColumn(options, column);
    resealed += done.resealed;
    if (done.unreadable > 0) unreadable[column.table] = (unreadable[column.table] ?? 0) + done.unreadable;
  }
  return { resealed, unreadable };
}

async function resealColumn(
  { sql, envelope, onProgress, batchSize = BATCH_SIZE, signal }: ResealOptions,
  sealed: SealedColumn,
): Promise<Counts> {
  const tables = sql.withTables<AnyTables>();
  let after: readonly string[] | undefined;
  let resealed = 0;
  let unreadable = 0;
  for (;;) {
    signal?.throwIfAborted();
    const rows = await nextRows(tables.db, sealed, envelope.newestPrefix, after, batchSize);
    const last = rows.at(-1);
    if (last === undefined) return { resealed, unreadable };
    after = sealed.key.map((name) => last[name] ?? "");
    const done = await tables.transaction((trx) => resealRows(trx, envelope, sealed, rows));
    resealed += done.resealed;
    unreadable += done.unreadable;
    onProgress?.(sealed.table, resealed);
  }
}

async function resealRows(
  trx: Kysely<AnyTables>,
  envelope: Envelope,
  { table, key, column, contextOf }: SealedColumn,
  rows: readonly Row[],
): Promise<Counts> {
  let resealed = 0;
  let unreadable = 0;
  for (const row of rows) {
    const value = row[column];
    if (typeof value !== "string") continue;
    let rotated: string;
    try {
      rotated = envelope.rotate(value, contextOf(row as Readonly<Record<string, string>>));
    } catch {
      unreadable++;
      continue;
    }
    let update = trx
      .updateTable(table)
      .set({ [column]: rotated })
      .where(column, "=", value);
    for (const name of key) update = update.where(name, "=", row[name] ?? "");
    const { numUpdatedRows } = await update.executeTakeFirst();
    resealed += Number(numUpdatedRows);
  }
  return { resealed, unreadable };
}

async function nextRows(
  db: Kysely<AnyTables>,
  { table, key, column }: Pick<SealedColumn, "table" | "key" | "column">,
  newestPrefix: string,
  after: readonly string[] | undefined,
  limit: number,
): Promise<readonly Row[]> {
  let query = db
    .selectFrom(table)
    .select([...key, column])
    .where(column, "is not", null)
    .where(raw<boolean>`substr(${raw.ref(column)}, 1, ${newestPrefix.length}) <> ${newestPrefix}`)
    .limit(limit);
  if (after !== undefined) {
    const names = raw.join(key.map((name) => raw.ref(name)));
    query = query.where(raw<boolean>`(${names}) > (${raw.join(after)})`);
  }
  for (const name of key) query = query.orderBy(name);
  return await query.execute();
}
