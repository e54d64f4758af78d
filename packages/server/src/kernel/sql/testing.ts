// For tests only: real databases that vanish afterwards.
import { afterAll, afterEach, describe, it } from "vitest";
import { openSqlite } from "./open-sqlite.ts";
import { openSqliteInThread } from "./open-sqlite-in-thread.ts";
import { findPostgres } from "./postgres-test-run.ts";
import { createEmptySchemas, createFilledSchemas, type TestTables } from "./postgres-testing.ts";
import type { Sql, SqlDialect } from "./sql.ts";
import { openTemporarySqlite } from "./sqlite-testing.ts";

export type { TestTables } from "./postgres-testing.ts";
export { openTemporarySqlite } from "./sqlite-testing.ts";

const postgresUrl = await findPostgres();

export interface DialectOptions {
  /** True: also against SQLite in a thread of its own, for what is kept there. */
  readonly inThread?: boolean;
  /** Tables that are there from the start; without them a database is empty. */
  readonly tables?: TestTables;
}

/** Runs the same tests against SQLite and, where it answers, PostgreSQL. `AEROSTACK_REQUIRE_POSTGRES=1` forbids the skip. */
export function describeEachDialect(
  title: string,
  tests: (openDatabase: () => Promise<Sql<unknown>>, dialect: SqlDialect) => void,
  { inThread = false, tables }: DialectOptions = {},
): void {
  const cleanups: (() => Promise<void>)[] = [];
  async function cleanUp(): Promise<void> {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  }
  const onSqlite = (open: typeof openSqlite | typeof openSqliteInThread) => () =>
    openTemporarySqlite(cleanups, { open, ...(tables === undefined ? {} : { tables }) });
  describe(`${title} (SQLite)`, () => {
    afterEach(cleanUp);
    tests(onSqlite(openSqlite), "sqlite");
  });
  if (inThread) {
    describe(`${title} (SQLite in a thread)`, () => {
      afterEach(cleanUp);
      tests(onSqlite(openSqliteInThread), "sqlite");
    });
  }
  if (postgresUrl !== undefined) {
    describe(`${title} (PostgreSQL)`, () => {
      const schemas = tables === undefined ? createEmptySchemas(postgresUrl) : createFilledSchemas(postgresUrl, tables);
      afterEach(cleanUp);
      afterAll(schemas.close);
      tests(() => schemas.open(cleanups), "postgres");
    });
  } else if (process.env.AEROSTACK_REQUIRE_POSTGRES === "1") {
    it(`${title} (PostgreSQL)`, () => {
      throw new Error("AEROSTACK_REQUIRE_POSTGRES=1, and no PostgreSQL answers");
    });
  } else {
    describe.skip(`${title} (PostgreSQL)`, () => tests(() => Promise.reject(new Error("skipped")), "postgres"));
  }
}
