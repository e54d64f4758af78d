// For tests only: databases with the tables of the control plane and of its logs.
import { migrate, type Sql } from "./kernel/sql/index.ts";
import {
  type DialectOptions,
  describeEachDialect,
  openTemporarySqlite,
  type TestTables,
} from "./kernel/sql/testing.ts";
import { migrations } from "./migrations.ts";

/** As on PostgreSQL, where the logs are in the same database. */
const CONTROL_TABLES: TestTables = {
  name: "control",
  migrations: [
    { set: "control", migrations: migrations.control },
    { set: "logs", migrations: migrations.logs },
  ],
};

/** Connections of databases that were made with the tables. */
const filled = new WeakSet<object>();

/** Runs the same tests on both databases, each with the tables of the control plane. */
export function describeEachControlDatabase(
  title: string,
  tests: Parameters<typeof describeEachDialect>[1],
  options: Omit<DialectOptions, "tables"> = {},
): void {
  describeEachDialect(title, (open, dialect) => tests(async () => markFilled(await open()), dialect), {
    ...options,
    tables: CONTROL_TABLES,
  });
}

export async function openControlSqlite(cleanups: (() => Promise<void>)[]): Promise<Sql<unknown>> {
  return markFilled(await openTemporarySqlite(cleanups, { tables: CONTROL_TABLES }));
}

/** Migrates a database that was made without tables, which takes far longer than to be given one that has them. */
export async function ensureControlTables(sql: Sql<unknown>): Promise<void> {
  if (!filled.has(sql.db)) await migrate(sql, "control", migrations.control);
}

function markFilled(sql: Sql<unknown>): Sql<unknown> {
  filled.add(sql.db);
  return sql;
}
