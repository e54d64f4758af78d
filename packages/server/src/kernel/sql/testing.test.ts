import { randomText } from "@aerostack/kernel";
import { sql as raw } from "kysely";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { TestProject } from "vitest/node";
import type { SqlMigrations } from "./migrate.ts";
import { openPostgres } from "./open-postgres.ts";
import begin, { findPostgres, schemaOfRun } from "./postgres-test-run.ts";
import { createFilledSchemas } from "./postgres-testing.ts";
import type { Sql } from "./sql.ts";
import { describeEachDialect, type TestTables } from "./testing.ts";

type Tables = {
  counters: { name: string; value: number };
  things: { name: string; counter: string };
};

const migrations: SqlMigrations = {
  "0001-things": {
    async up(untyped, types) {
      const db = untyped.withTables<Tables>();
      await db.schema
        .createTable("counters")
        .addColumn("name", types.text, (column) => column.primaryKey())
        .addColumn("value", types.integer, (column) => column.notNull())
        .execute();
      await db.insertInto("counters").values({ name: "it's", value: 0 }).execute();
      await db.schema
        .createTable("things")
        .addColumn("name", types.text, (column) => column.primaryKey())
        .addColumn("counter", types.text, (column) => column.notNull().references("counters.name"))
        .execute();
      await types.makeAppendOnly(untyped, "things");
    },
  },
};
const tables: TestTables = { name: `things_${randomText(6)}`, migrations: [{ set: "things", migrations }] };

async function write(sql: Sql<unknown>): Promise<void> {
  const { db } = sql.withTables<Tables>();
  await db.insertInto("counters").values({ name: "more", value: 1 }).execute();
  await db.insertInto("things").values({ name: "thing", counter: "more" }).execute();
  await db.updateTable("counters").set({ value: 7 }).where("name", "=", "it's").execute();
}

async function expectUntouched(sql: Sql<unknown>): Promise<void> {
  const { db } = sql.withTables<Tables>();
  expect(await db.selectFrom("counters").selectAll().execute()).toEqual([{ name: "it's", value: 0 }]);
  expect(await db.selectFrom("things").selectAll().execute()).toEqual([]);
}

describeEachDialect(
  "a database of a test",
  (openDatabase) => {
    it.each([1, 2])("holds what its migrations wrote and nothing of the tests before (%i)", async () => {
      const sql = await openDatabase();
      await expectUntouched(sql);
      await write(sql);
    });

    it("is another than the test's first", async () => {
      await write(await openDatabase());
      await expectUntouched(await openDatabase());
    });

    it.each([1, 2])("has the tables of its migrations, whatever tests before did to them (%i)", async () => {
      const { db } = await openDatabase();
      await raw`alter table things add column more integer`.execute(db);
    });
  },
  { tables },
);

const url = await findPostgres();

describe.skipIf(url === undefined)("schemas of PostgreSQL for tests", () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function admin() {
    const sql = await openPostgres({ url: url as string, poolSize: 1 });
    cleanups.push(sql.close);
    return sql.db;
  }

  it("are emptied after a process that was killed in the middle of a test", async () => {
    const killed = createFilledSchemas(url as string, tables);
    await write(await killed.open(cleanups));
    await killed.close();
    const next = createFilledSchemas(url as string, tables);
    cleanups.push(next.close);
    await expectUntouched(await next.open(cleanups));
  });

  it("let nothing of a test write that goes on after its end", async () => {
    const schemas = createFilledSchemas(url as string, tables);
    const ended: (() => Promise<void>)[] = [];
    const straggler = await schemas.open(ended);
    for (const end of ended) await end();
    cleanups.push(schemas.close);
    const sql = await schemas.open(cleanups);
    await expect(write(straggler)).rejects.toThrow();
    await expectUntouched(sql);
  });

  it("keep nothing that a test set on its connections", async () => {
    const schemas = createFilledSchemas(url as string, tables);
    const ended: (() => Promise<void>)[] = [];
    const first = await schemas.open(ended);
    await raw`set session_replication_role = replica`.execute(first.db);
    for (const end of ended) await end();
    cleanups.push(schemas.close);
    const { db } = await schemas.open(cleanups);
    const { rows } = await raw`show session_replication_role`.execute(db);
    expect(rows).toEqual([{ session_replication_role: "origin" }]);
  });

  it("are dropped when their run has ended or was killed, and by nobody before", async () => {
    const db = await admin();
    const left = schemaOfRun(`dead${randomText(4)}`, "control_0");
    await raw`create schema ${raw.id(left)}`.execute(db);
    const running = schemaOfRun(inject("testRun"), randomText(12));
    await raw`create schema ${raw.id(running)}`.execute(db);
    const provided: string[] = [];
    const project = { provide: (_: string, run: string) => provided.push(run), onTestsRerun: () => undefined };
    const end = await begin(project as unknown as TestProject);
    const own = schemaOfRun(provided[0] ?? "", "control_0");
    await raw`create schema ${raw.id(own)}`.execute(db);
    await end?.();
    const { rows } = await raw<{ name: string }>`
      select nspname as name from pg_namespace where nspname in (${left}, ${running}, ${own})`.execute(db);
    expect(rows).toEqual([{ name: running }]);
  });
});
