// For tests only: databases with the tables of the control plane.
import type { Sql } from "./kernel/sql/index.ts";
import {
  type DialectOptions,
  describeEachDialect,
  openTemporarySqlite,
  type TestTables,
} from "./kernel/sql/testing.ts";
import { migrations } from "./migrations.ts";

const CONTROL_TABLES: TestTables = { set: "control", migrations: migrations.control };

/** Runs the same tests on both databases, each with the tables of the control plane. */
export function describeEachControlDatabase(
  title: string,
  tests: Parameters<typeof describeEachDialect>[1],
  options: Omit<DialectOptions, "tables"> = {},
): void {
  describeEachDialect(title, tests, { ...options, tables: CONTROL_TABLES });
}

export async function openControlSqlite(cleanups: (() => Promise<void>)[]): Promise<Sql<unknown>> {
  return await openTemporarySqlite(cleanups, { tables: CONTROL_TABLES });
}
