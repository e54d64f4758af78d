import { type Kysely, type RawBuilder, sql as raw } from "kysely";
import { Migrator } from "kysely/migration";
import type { Sql, SqlDialect } from "./sql.ts";
import { type CopiedColumn, copyInserted, makeAppendOnly } from "./triggers.ts";

/** Column types that mean the same on both databases. */
export interface ColumnTypes {
  /** Text that compares and sorts by byte, whatever the server's locale. */
  readonly text: RawBuilder<unknown>;
  /** Whole numbers up to 2^53, times in milliseconds among them. */
  readonly integer: RawBuilder<unknown>;
  /** At the end of a table whose rows lie in the order of its primary key; PostgreSQL has no such tables. */
  readonly clustered: RawBuilder<unknown>;
  /** Makes the database refuse every change of a row of the table that is written. */
  makeAppendOnly(db: Kysely<unknown>, table: string): Promise<void>;
  /** Makes the database copy a column of every new row into another table. */
  copyInserted(db: Kysely<unknown>, copied: CopiedColumn): Promise<void>;
}

export interface SqlMigration {
  up(db: Kysely<unknown>, types: ColumnTypes): Promise<void>;
}

/** By name; names start with a number of four digits and run in that order. */
export type SqlMigrations = Readonly<Record<string, SqlMigration>>;

function columnTypes(dialect: SqlDialect): ColumnTypes {
  return {
    text: dialect === "sqlite" ? raw`text` : raw`text collate "C"`,
    integer: dialect === "sqlite" ? raw`integer` : raw`bigint`,
    clustered: dialect === "sqlite" ? raw`without rowid` : raw``,
    makeAppendOnly: (db, table) => makeAppendOnly(dialect, db, table),
    copyInserted: (db, copied) => copyInserted(dialect, db, copied),
  };
}

/**
 * Brings the schema up to date. Servers that start together on one PostgreSQL wait for each other (advisory lock); all
 * migrations of a run are one transaction.
 *
 * @param set names the set, because several may live in one database: each keeps its own list of what has run.
 * @throws the error of the migration that failed; nothing of the run stays.
 */
export async function migrate(sql: Sql<unknown>, set: string, migrations: SqlMigrations): Promise<readonly string[]> {
  const types = columnTypes(sql.dialect);
  const schema = await currentSchema(sql);
  const migrator = new Migrator({
    db: sql.db,
    // Without it a table of the same name in another schema of the database would be taken for ours.
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
    migrationTableName: `${set}_migrations`,
    migrationLockTableName: `${set}_migrations_lock`,
    // Two branches may each have added a migration; both run, whichever was merged first.
    allowUnorderedMigrations: true,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          Object.entries(migrations).map(([name, migration]) => [
            name,
            { up: (db: Kysely<unknown>) => migration.up(db, types) },
          ]),
        ),
    },
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return (results ?? []).map(({ migrationName }) => migrationName);
}

async function currentSchema(sql: Sql<unknown>): Promise<string | undefined> {
  if (sql.dialect === "sqlite") return undefined;
  const { rows } = await raw<{ name: string }>`select current_schema() as name`.execute(sql.db);
  return rows[0]?.name;
}
