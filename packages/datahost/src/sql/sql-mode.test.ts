import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf, type SqlUnderTest, startSql } from "./sql-test-support.ts";

let sql: SqlUnderTest;

beforeAll(async () => {
  sql = startSql();
  await sql.query("CREATE TABLE aerostack_collections (name TEXT, rules TEXT)", [], { mode: "platform" });
  await sql.query("CREATE TABLE t (a)");
});

afterAll(() => sql.close());

describe("a project's SQL", () => {
  test.each([
    "INSERT INTO aerostack_collections VALUES ('t', 'public')",
    "INSERT INTO 'aerostack_collections' VALUES ('t', 'public')",
    "INSERT INTO main.'AEROSTACK_collections' VALUES ('t', 'public')",
    "UPDATE OR IGNORE 'aerostack_collections' SET rules = 'public'",
    'DELETE FROM "aerostack_collections"',
    "WITH x AS (SELECT 1) DELETE FROM [aerostack_collections]",
    "DROP TABLE aerostack_collections",
    "DROP TABLE IF EXISTS 'aerostack_migrations'",
    "ALTER TABLE t RENAME TO aerostack_migrations",
    "CREATE TABLE aerostack_migrations (a)",
    "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM aerostack_collections; END",
    "CREATE TABLE x (a REFERENCES aerostack_collections (name) ON DELETE CASCADE)",
    "SELECT 1; UPDATE aerostack_collections SET rules = ''",
  ])("cannot write what the platform keeps: %s", async (text) => {
    for (const mode of ["full", "data"] as const) {
      expect(await failureOf(sql.query(text, [], { mode }))).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
    }
    const { transactionId } = await sql.call("tx.begin", { projectId: "prj_a", database: "main" });
    const inTransaction = sql.call("tx.query", { transactionId, sql: text });
    expect(await failureOf(inTransaction)).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
    await sql.call("tx.rollback", { transactionId });
  });

  test("may read it, and may write its name as a value", async () => {
    await sql.query("INSERT INTO aerostack_collections VALUES ('t', 'none')", [], { mode: "platform" });
    expect((await sql.query("SELECT name FROM aerostack_collections", [], { mode: "data" })).rows).toEqual([["t"]]);
    await sql.query("INSERT INTO t VALUES ('aerostack_collections')", [], { mode: "data" });
  });

  test("changes no schema in the mode of API keys, and is told how to", async () => {
    expect(await failureOf(sql.query("CREATE TABLE u (a)", [], { mode: "data" }))).toMatchObject({
      code: "DB_STATEMENT_REFUSED",
      message: expect.stringContaining("changes the schema"),
      fix: expect.stringContaining("aerostack db migrate"),
    });
  });
});
