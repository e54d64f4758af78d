export { SqliteOpenError, type SqliteOptions } from "./encrypted-file.ts";
export { type ColumnTypes, migrate, type SqlMigration, type SqlMigrations } from "./migrate.ts";
export { openPostgres, type PostgresOptions } from "./open-postgres.ts";
export { openSqlite } from "./open-sqlite.ts";
export { openSqliteInThread } from "./open-sqlite-in-thread.ts";
export type { InsertManyOptions, Sql, SqlDialect, SqlValue } from "./sql.ts";
export { toStorableText } from "./storable.ts";
export { isUniqueViolation, isUnstorableText } from "./transaction.ts";
