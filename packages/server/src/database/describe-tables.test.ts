import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestDatabases } from "./data-host-testing.ts";
import { describeTables } from "./describe-tables.ts";

const ADDRESS = { projectId: "prj_a", database: "main" };
let test: Awaited<ReturnType<typeof startTestDatabases>>;

beforeAll(async () => {
  test = await startTestDatabases();
});
afterAll(() => test.close());

it("tells the tables and views that people made, with what their columns hold", async () => {
  expect(await describeTables(test.databases, ADDRESS)).toEqual([]);
  const statements = [
    "CREATE TABLE b (id INTEGER PRIMARY KEY, t TEXT NOT NULL DEFAULT 'x', r REAL, twice AS (r * 2), any_value)",
    "CREATE TABLE a (x TEXT, y TEXT, PRIMARY KEY (x, y))",
    "CREATE VIEW v AS SELECT t FROM b",
    "CREATE VIRTUAL TABLE f USING fts5(body)",
  ];
  for (const sql of statements) await test.databases.query(ADDRESS, { sql }, "full");
  await test.databases.query(ADDRESS, { sql: "CREATE TABLE aerostack_migrations (a)" }, "platform");
  const tables = await describeTables(test.databases, ADDRESS);
  expect(tables.map(({ name, kind }) => [name, kind])).toEqual([
    ["a", "table"],
    ["b", "table"],
    ["f", "virtual"],
    ["v", "view"],
  ]);
  const plain = { nullable: true, primaryKey: false, defaultValue: null, generated: false };
  expect(tables[0]?.columns).toMatchObject([
    { name: "x", type: "TEXT", nullable: false, primaryKey: true },
    { name: "y", type: "TEXT", nullable: false, primaryKey: true },
  ]);
  expect(tables[1]?.columns).toEqual([
    { ...plain, name: "id", type: "INTEGER", nullable: false, primaryKey: true },
    { ...plain, name: "t", type: "TEXT", nullable: false, defaultValue: "'x'" },
    { ...plain, name: "r", type: "REAL" },
    { ...plain, name: "twice", type: "", generated: true },
    { ...plain, name: "any_value", type: "" },
  ]);
  expect(tables[2]?.columns).toMatchObject([{ name: "body" }]);
});
