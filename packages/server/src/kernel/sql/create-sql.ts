import { setTimeout as sleep } from "node:timers/promises";
import type { Kysely } from "kysely";
import { insertMany } from "./insert-many.ts";
import type { Sql, SqlDialect } from "./sql.ts";
import { runTransaction } from "./transaction.ts";

/** Puts the two databases' common face on a Kysely connection. */
export function createSql<Tables>(db: Kysely<Tables>, dialect: SqlDialect, close: () => Promise<void>): Sql<Tables> {
  return {
    dialect,
    db,
    transaction: (work) => runTransaction(db, { dialect, random: Math.random, sleep: (ms) => sleep(ms) }, work),
    insertMany: (table, rows, options = {}) =>
      insertMany(options.trx ?? db, dialect, table, rows, options.ignoreDuplicates ?? false),
    withTables: <Other>() => createSql(db as unknown as Kysely<Other>, dialect, close),
    close,
  };
}
