// For tests only: SQLite files that vanish afterwards.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SqliteOptions } from "./encrypted-file.ts";
import { migrate } from "./migrate.ts";
import { openSqlite } from "./open-sqlite.ts";
import type { TestTables } from "./postgres-testing.ts";
import type { Sql } from "./sql.ts";

export interface TemporarySqliteOptions {
  readonly open?: (options: SqliteOptions) => Sql<unknown> | Promise<Sql<unknown>>;
  /** Tables that are there from the start. */
  readonly tables?: TestTables;
}

/** A migrated file of each, encrypted with this process's key: a copy is there in a tenth of the time. */
const templates = new Map<TestTables, Promise<Uint8Array>>();
const masterKeys = [{ id: "test", key: randomBytes(32) }];

export async function openTemporarySqlite(
  cleanups: (() => Promise<void>)[],
  { open = openSqlite, tables }: TemporarySqliteOptions = {},
): Promise<Sql<unknown>> {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-sql-"));
  const options: SqliteOptions = {
    path: join(folder, "test.sqlite"),
    logicalName: "test",
    masterKeys,
    synchronous: "NORMAL",
  };
  if (tables !== undefined) writeFileSync(options.path, await templateOf(tables));
  const sql = await open(options);
  cleanups.push(async () => {
    await sql.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return sql;
}

function templateOf(tables: TestTables): Promise<Uint8Array> {
  const known = templates.get(tables);
  if (known !== undefined) return known;
  const made = makeTemplate(tables);
  templates.set(tables, made);
  return made;
}

async function makeTemplate(tables: TestTables): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-sql-"));
  const path = join(folder, "test.sqlite");
  const sql = openSqlite({ path, logicalName: "test", masterKeys, synchronous: "NORMAL" });
  try {
    for (const { set, migrations } of tables.migrations) await migrate(sql, set, migrations);
    await sql.close();
    return readFileSync(path);
  } finally {
    await sql.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
