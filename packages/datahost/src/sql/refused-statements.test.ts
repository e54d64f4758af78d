import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf, type SqlUnderTest, startSql } from "./sql-test-support.ts";

let sql: SqlUnderTest;

beforeAll(async () => {
  sql = startSql();
  await sql.query("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
});

afterAll(() => sql.close());

const REFUSED = [
  "ATTACH '/etc/passwd' AS p",
  "/* x */ ATTACH DATABASE 'file:x?mode=memory' AS p",
  "DETACH main",
  "VACUUM INTO '/tmp/copy.sqlite'",
  "vacuum main into 'copy'",
  "SELECT load_extension('/tmp/x.so')",
  "SELECT \"load_extension\"('/tmp/x.so')",
  "SELECT [load_extension] ('x')",
  "SELECT readfile('/etc/passwd')",
  "SELECT writefile('/tmp/x', 'y')",
  "SELECT fts3_tokenizer('simple')",
  "SELECT sqlite3mc_codec_data('raw_key')",
  "SELECT sqlite3mc_config('cipher')",
  "PRAGMA journal_mode = DELETE",
  "PRAGMA journal_mode",
  "PRAGMA key = 'x'",
  "PRAGMA rekey = 'x'",
  "PRAGMA cipher",
  "PRAGMA hexkey = 'aa'",
  "PRAGMA temp_store_directory = '/tmp'",
  "PRAGMA temp_store = FILE",
  "PRAGMA writable_schema = ON",
  "PRAGMA synchronous = OFF",
  "PRAGMA locking_mode = EXCLUSIVE",
  "PRAGMA wal_checkpoint",
  "PRAGMA database_list",
  "PRAGMA mmap_size = 1000000000",
  "PRAGMA cache_size = 1000000",
  "PRAGMA trusted_schema = ON",
  "PRAGMA recursive_triggers = ON",
  "PRAGMA query_only = OFF",
  "PRAGMA temp.table_info(t)",
  "EXPLAIN PRAGMA journal_mode = DELETE",
  "EXPLAIN ATTACH 'x' AS y",
  "SELECT * FROM pragma_database_list",
  'SELECT * FROM "pragma_database_list"()',
  "BEGIN",
  "BEGIN IMMEDIATE",
  "COMMIT",
  "END",
  "ROLLBACK",
  "SAVEPOINT s",
  "RELEASE s",
  "-- comment\nBEGIN",
  "CREATE TEMP TABLE x (a)",
  "CREATE TEMPORARY VIEW x AS SELECT 1",
  "CREATE TABLE temp.x (a)",
  "CREATE TABLE IF NOT EXISTS [temp].x (a)",
  "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
  "CREATE VIRTUAL TABLE x USING csv(filename='/etc/passwd')",
  "CREATE VIRTUAL TABLE x USING fts3tokenize(simple)",
  "SELECT * FROM _cf_aero_commits",
  'SELECT * FROM "_cf_aero_commits"',
  "SELECT * FROM '_cf_aero_commits'",
  "SELECT * FROM main.[_CF_AERO_COMMITS]",
  "DELETE FROM _cf_aero_commits",
  "DELETE FROM '_cf_aero_commits'",
  "DROP TABLE _cf_aero_commits",
  "DROP TABLE '_cf_aero_commits'",
  "ALTER TABLE '_cf_aero_commits' RENAME TO x",
  "ALTER TABLE t RENAME TO _aero_x",
  "CREATE TABLE _aero_x (a)",
  "CREATE INDEX i ON '_cf_aero_commits' (ids)",
  "CREATE VIEW v AS SELECT * FROM '_cf_aero_commits'",
  "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM '_cf_aero_commits'; END",
  "SELECT 1; ATTACH 'x' AS y",
  "WITH a AS (SELECT * FROM '_cf_aero_commits') SELECT * FROM a",
];

describe("statements that reach out of the database, or into what is the platform's", () => {
  test.each(REFUSED)("%s", async (text) => {
    expect(await failureOf(sql.query(text))).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
  });

  test.each(REFUSED)("also in a transaction: %s", async (text) => {
    const { transactionId } = await sql.call("tx.begin", { projectId: "prj_a", database: "main" });
    const error = await failureOf(sql.call("tx.query", { transactionId, sql: text }));
    expect(error).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
    await sql.call("tx.rollback", { transactionId });
  });
});

describe("statements that SQLite itself does not let through", () => {
  test.each([
    "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 2, 'CREATE TABLE x (a)')",
    "UPDATE sqlite_schema SET sql = ''",
    "CREATE TABLE sqlite_x (a)",
    "DELETE FROM docs_data",
  ])("%s", async (text) => {
    await sql.query("CREATE VIRTUAL TABLE IF NOT EXISTS docs USING fts5(body)");
    expect(await failureOf(sql.query(text))).toMatchObject({ code: "DB_QUERY_FAILED" });
  });
});

describe("statements that look like refused ones", () => {
  test.each([
    "SELECT 'ATTACH', 'PRAGMA key', '_cf_x'",
    "INSERT INTO t (v) VALUES ('_cf_aero_commits')",
    "SELECT 1 AS attach",
    "PRAGMA table_info(t)",
    "PRAGMA main.table_info('t')",
    "PRAGMA table_list",
    "PRAGMA index_list(t)",
    "PRAGMA foreign_key_check",
    "PRAGMA quick_check",
    "PRAGMA optimize",
    "PRAGMA user_version = 4",
    "SELECT name FROM pragma_table_list WHERE name NOT LIKE '_cf_%'",
    "SELECT * FROM pragma_table_info('t')",
    "EXPLAIN QUERY PLAN SELECT * FROM t",
    "EXPLAIN SELECT * FROM t",
    "CREATE TABLE begin_end (a)",
    "CREATE TRIGGER tr AFTER DELETE ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END",
    "REPLACE INTO t (v) VALUES (1)",
    "ANALYZE",
    "REINDEX",
    "INSERT OR ROLLBACK INTO t (v) VALUES (1)",
  ])("%s", async (text) => {
    await expect(sql.query(text)).resolves.toBeDefined();
  });
});
