// For tests only: schemas of PostgreSQL.
import { randomText } from "@aerostack/kernel";
import { sql as raw } from "kysely";
import type { Pool } from "pg";
import { inject } from "vitest";
import { lendPool } from "./lent-pool.ts";
import { migrate, type SqlMigrations } from "./migrate.ts";
import { createPool, createPostgresSql, openPostgres } from "./open-postgres.ts";
import { schemaOfRun } from "./postgres-test-run.ts";
import type { Sql } from "./sql.ts";

/** Tables that are there when a test begins. */
export interface TestTables {
  readonly name: string;
  readonly migrations: readonly { readonly set: string; readonly migrations: SqlMigrations }[];
}

export interface TestSchemas {
  open(cleanups: (() => Promise<void>)[]): Promise<Sql<unknown>>;
  close(): Promise<void>;
}

/** Connections of a test. */
const POOL_SIZE = 4;

/** Gives each test an empty schema of its own, which is dropped afterwards. */
export function createEmptySchemas(url: string): TestSchemas {
  let admin: Promise<Sql<unknown>> | undefined;
  return {
    async open(cleanups) {
      admin ??= openPostgres({ url: withOptions(url, {}), poolSize: 1 });
      const { db } = await admin;
      const schema = schemaOfRun(inject("testRun"), randomText(12));
      await raw`create schema ${raw.id(schema)}`.execute(db);
      const sql = await openPostgres({ url: withOptions(url, { search_path: schema }), poolSize: POOL_SIZE });
      cleanups.push(async () => {
        await sql.close();
        await raw`drop schema ${raw.id(schema)} cascade`.execute(db);
      });
      return sql;
    },
    async close() {
      await (await admin)?.close();
      admin = undefined;
    },
  };
}

/**
 * Gives each test a schema with tables, which holds what their migrations wrote and nothing else. To migrate a schema takes
 * a hundred times as long as to empty it, so all tests of a run, of whatever file, use the same few; one test at a time has
 * a schema, by an advisory lock that ends with its process.
 */
export function createFilledSchemas(url: string, tables: TestTables): TestSchemas {
  const held: FilledSchema[] = [];
  const free: FilledSchema[] = [];
  return {
    async open(cleanups) {
      let schema = free.pop();
      if (schema === undefined) {
        schema = await takeSchema(url, tables);
        held.push(schema);
      }
      const taken = schema;
      await taken.empty();
      const sql = createPostgresSql(lendPool(await taken.pool()));
      cleanups.push(async () => {
        // Whatever of the test still runs can write no more once its pool has ended.
        await sql.close();
        free.push(taken);
      });
      return sql;
    },
    async close() {
      free.splice(0);
      for (const { close } of held.splice(0)) await close();
    },
  };
}

interface FilledSchema {
  readonly name: string;
  empty(): Promise<void>;
  pool(): Promise<Pool>;
  close(): Promise<void>;
}

/** How a schema is emptied, kept as the schema's comment; one without was not finished. */
interface Emptying {
  readonly statements: string;
  /** Of the schema when it was made: a test that changed its tables left another. */
  readonly shape: string;
}

async function takeSchema(url: string, tables: TestTables): Promise<FilledSchema> {
  // A replica runs no triggers: foreign keys do not matter, nor that a table is append-only.
  const admin = await openPostgres({ url: withOptions(url, { session_replication_role: "replica" }), poolSize: 1 });
  const name = await lockFirstFree(admin, schemaOfRun(inject("testRun"), tables.name));
  let pool: Promise<Pool> | undefined;
  let emptying = await readEmptying(admin, name);
  return {
    name,
    async empty() {
      if (emptying === undefined || (await shapeOf(admin, name)) !== emptying.shape) {
        emptying = await fillSchema(admin, url, name, tables);
      }
      await raw.raw(emptying.statements).execute(admin.db);
    },
    pool: () => (pool ??= createPool({ url: withOptions(url, { search_path: name }), poolSize: POOL_SIZE })),
    async close() {
      await (await pool)?.end();
      await admin.close();
    },
  };
}

async function lockFirstFree(admin: Sql<unknown>, prefix: string): Promise<string> {
  for (let slot = 0; ; slot++) {
    const name = `${prefix}_${slot}`;
    const { rows } = await raw<{
      locked: boolean;
    }>`select pg_try_advisory_lock(hashtextextended(${name}, 0)) as locked`.execute(admin.db);
    if (rows[0]?.locked === true) return name;
  }
}

async function readEmptying({ db }: Sql<unknown>, name: string): Promise<Emptying | undefined> {
  const { rows } = await raw<{ comment: string | null }>`
    select obj_description(oid, 'pg_namespace') as comment from pg_namespace where nspname = ${name}`.execute(db);
  const comment = rows[0]?.comment;
  return comment === null || comment === undefined ? undefined : JSON.parse(comment);
}

async function fillSchema(admin: Sql<unknown>, url: string, name: string, tables: TestTables): Promise<Emptying> {
  const schema = raw.id(name);
  await raw`drop schema if exists ${schema} cascade`.execute(admin.db);
  await raw`create schema ${schema}`.execute(admin.db);
  const sql = await openPostgres({ url: withOptions(url, { search_path: name }), poolSize: 1 });
  try {
    for (const { set, migrations } of tables.migrations) await migrate(sql, set, migrations);
  } finally {
    await sql.close();
  }
  await keepOrder(admin, name);
  const emptying = { statements: await emptyingStatements(admin, name), shape: await shapeOf(admin, name) };
  await raw`comment on schema ${schema} is ${raw.lit(JSON.stringify(emptying))}`.execute(admin.db);
  return emptying;
}

/**
 * A vacuum gives the room of deleted rows to new ones: queries that ask for no order would then find rows in another than
 * they were written in, now and then, and be planned anew.
 */
async function keepOrder({ db }: Sql<unknown>, schema: string): Promise<void> {
  const { rows } = await raw<{ statements: string | null }>`
    select string_agg(format('alter table %I.%I set (autovacuum_enabled = false)', schemaname, tablename), ';') as statements
    from pg_tables where schemaname = ${schema}`.execute(db);
  await raw.raw(rows[0]?.statements ?? "").execute(db);
}

/** Rows are deleted: to truncate empty tables takes longer by far. What migrations wrote is written again. */
async function emptyingStatements({ db }: Sql<unknown>, schema: string): Promise<string> {
  const statements: string[] = [];
  const tables = await raw<{ name: string; id: string }>`
    select table_name as name, format('%I.%I', table_schema, table_name) as id from information_schema.tables
    where table_schema = ${schema} and table_name !~ '_migrations(_lock)?$'`.execute(db);
  for (const { name, id } of tables.rows) {
    const table = raw.id(schema, name);
    const { rows } = await raw<{ literal: string | null }>`
      select quote_literal(json_agg(t)) as literal from ${table} t`.execute(db);
    const literal = rows[0]?.literal;
    statements.push(`delete from ${id}`);
    if (typeof literal !== "string") continue;
    statements.push(`insert into ${id} select * from json_populate_recordset(null::${id}, ${literal})`);
  }
  return statements.join(";\n");
}

async function shapeOf({ db }: Sql<unknown>, schema: string): Promise<string> {
  const { rows } = await raw<{ shape: string }>`
    with tables as (
      select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = ${schema}
    )
    select concat_ws(' ',
      (select count(*) from tables),
      (select count(*) from pg_attribute where attrelid in (select oid from tables) and not attisdropped),
      (select count(*) from pg_constraint where conrelid in (select oid from tables)),
      (select count(*) from pg_trigger where tgrelid in (select oid from tables))
    ) as shape`.execute(db);
  return rows[0]?.shape ?? "";
}

/** No test cuts the power of the database's machine: nothing waits for its disk. */
function withOptions(url: string, options: Readonly<Record<string, string>>): string {
  const scoped = new URL(url);
  const all = Object.entries({ synchronous_commit: "off", ...options });
  scoped.searchParams.set("options", all.map(([name, value]) => `-c ${name}=${value}`).join(" "));
  return scoped.href;
}
