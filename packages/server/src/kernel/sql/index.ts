export { toStorableText } from "./insert-many.ts";
export { type ColumnTypes, migrate, type SqlMigration, type SqlMigrations } from "./migrate.ts";
export { openPostgres, type PostgresOptions } from "./open-postgres.ts";
export { openSqlite, SqliteOpenError, type SqliteOptions } from "./open-sqlite.ts";
export type { InsertManyOptions, Sql, SqlDialect, SqlValue } from "./sql.ts";
export { isUniqueViolation, isUnstorableText } from "./transaction.ts";
