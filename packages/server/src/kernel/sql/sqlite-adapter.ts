import { SqliteAdapter } from "kysely";

/** SQLite's schema statements do take part in transactions, so half a migration never stays. */
export class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
