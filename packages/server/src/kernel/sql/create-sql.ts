import { setTimeout as sleep } from "node:timers/promises";
import type { Kysely } from "kysely";
import type { InsertMany } from "./insert-many.ts";
import type { Sql, SqlDialect } from "./sql.ts";
import { runTransaction } from "./transaction.ts";

/** What the two databases do differently. */
export interface SqlDriver {
  readonly dialect: SqlDialect;
  readonly insertMany: InsertMany;
  readonly close: () => Promise<void>;
}

/** Puts the two databases' common face on a Kysely connection. */
export function createSql<Tables>(db: Kysely<Tables>, driver: SqlDriver): Sql<Tables> {
  const { dialect, insertMany, close } = driver;
  return {
    dialect,
    db,
    transaction: (work) => runTransaction(db, { dialect, random: Math.random, sleep: (ms) => sleep(ms) }, work),
    insertMany: (table, rows, options = {}) =>
      insertMany(options.trx ?? db, table, rows, options.ignoreDuplicates ?? false),
    withTables: <Other>() => createSql(db as unknown as Kysely<Other>, driver),
    close,
  };
}
