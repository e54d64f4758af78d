// For tests only: real databases that vanish afterwards.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomText } from "@aerostack/kernel";
import { sql as raw } from "kysely";
import { afterEach, describe, it } from "vitest";
import type { SqliteOptions } from "./encrypted-file.ts";
import { openPostgres } from "./open-postgres.ts";
import { openSqlite } from "./open-sqlite.ts";
import { openSqliteInThread } from "./open-sqlite-in-thread.ts";
import type { Sql, SqlDialect } from "./sql.ts";

const CANDIDATES = [
  process.env.AEROSTACK_TEST_DATABASE_URL,
  "postgres://root@127.0.0.1:5432/test",
  "postgres://root@/test?host=/var/run/postgresql",
].filter((url) => url !== undefined);

const postgresUrl = await findPostgres();

export interface DialectOptions {
  /** True: also against SQLite in a thread of its own, for what is kept there. */
  readonly inThread?: boolean;
}

/** Runs the same tests against SQLite and, where it answers, PostgreSQL. `AEROSTACK_REQUIRE_POSTGRES=1` forbids the skip. */
export function describeEachDialect(
  title: string,
  tests: (openDatabase: () => Promise<Sql<unknown>>, dialect: SqlDialect) => void,
  { inThread = false }: DialectOptions = {},
): void {
  const cleanups: (() => Promise<void>)[] = [];
  async function cleanUp(): Promise<void> {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  }
  describe(`${title} (SQLite)`, () => {
    afterEach(cleanUp);
    tests(() => openTemporarySqlite(cleanups), "sqlite");
  });
  if (inThread) {
    describe(`${title} (SQLite in a thread)`, () => {
      afterEach(cleanUp);
      tests(() => openTemporarySqlite(cleanups, openSqliteInThread), "sqlite");
    });
  }
  if (postgresUrl !== undefined) {
    describe(`${title} (PostgreSQL)`, () => {
      afterEach(cleanUp);
      tests(() => openTemporaryPostgres(postgresUrl, cleanups), "postgres");
    });
  } else if (process.env.AEROSTACK_REQUIRE_POSTGRES === "1") {
    it(`${title} (PostgreSQL)`, () => {
      throw new Error("AEROSTACK_REQUIRE_POSTGRES=1, and no PostgreSQL answers");
    });
  } else {
    describe.skip(`${title} (PostgreSQL)`, () => tests(() => Promise.reject(new Error("skipped")), "postgres"));
  }
}

export async function openTemporarySqlite(
  cleanups: (() => Promise<void>)[],
  open: (options: SqliteOptions) => Sql<unknown> | Promise<Sql<unknown>> = openSqlite,
): Promise<Sql<unknown>> {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-sql-"));
  const sql = await open({
    path: join(folder, "test.sqlite"),
    logicalName: "test",
    masterKeys: [{ id: "test", key: randomBytes(32) }],
    synchronous: "NORMAL",
  });
  cleanups.push(async () => {
    await sql.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return sql;
}

async function openTemporaryPostgres(url: string, cleanups: (() => Promise<void>)[]): Promise<Sql<unknown>> {
  const schema = `aerostack_test_${randomText(12)}`;
  const admin = await openPostgres({ url, poolSize: 1 });
  // No test cuts the power of the database's machine: nothing waits for its disk.
  await raw`set synchronous_commit = off`.execute(admin.db);
  await raw`create schema ${raw.id(schema)}`.execute(admin.db);
  const scoped = new URL(url);
  scoped.searchParams.set("options", `-c search_path=${schema} -c synchronous_commit=off`);
  const sql = await openPostgres({ url: scoped.href, poolSize: 4 });
  cleanups.push(async () => {
    await sql.close();
    await raw`drop schema ${raw.id(schema)} cascade`.execute(admin.db);
    await admin.close();
  });
  return sql;
}

async function findPostgres(): Promise<string | undefined> {
  const { default: pg } = await import("pg");
  for (const url of CANDIDATES) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    try {
      await client.connect();
      await client.end();
      return url;
    } catch {
      // The next candidate, or none: the tests then say that they were skipped.
    }
  }
  return undefined;
}
