import { Kysely, SqliteDialect } from "kysely";
import { createSql } from "./create-sql.ts";
import { openEncryptedFile, type SqliteOptions } from "./encrypted-file.ts";
import { createSqliteInsertMany } from "./insert-many.ts";
import type { Sql } from "./sql.ts";
import { TransactionalSqliteAdapter } from "./sqlite-adapter.ts";
import { insertOnSqlite } from "./sqlite-insert.ts";

/**
 * An encrypted SQLite file whose statements run in this thread: the shortest way for those that are few and small.
 *
 * @throws SqliteOpenError
 */
export function openSqlite(options: SqliteOptions): Sql<unknown> {
  const database = openEncryptedFile(options);
  const db = new Kysely<unknown>({ dialect: new TransactionalSqliteDialect({ database }) });
  return createSql(db, {
    dialect: "sqlite",
    insertMany: createSqliteInsertMany((batch) => insertOnSqlite(database, batch)),
    async close() {
      await db.destroy();
      // Kysely leaves a connection open that it never used.
      database.close();
    },
  });
}

class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter() {
    return new TransactionalSqliteAdapter();
  }
}
