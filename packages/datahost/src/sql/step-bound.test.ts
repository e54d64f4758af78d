import { beforeAll, describe, expect, test } from "vitest";
import { Database, type SqliteDatabase } from "../state/sqlite-driver.ts";
import { type ExplainRow, readProgram } from "./program.ts";
import { readSchemaFacts } from "./schema-facts.ts";
import { boundSteps } from "./step-bound.ts";

let db: SqliteDatabase;

beforeAll(() => {
  db = new Database(":memory:");
  db.exec(`
    CREATE TABLE orgs (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, age INT, org INT REFERENCES orgs(id) ON DELETE CASCADE);
    CREATE INDEX users_name ON users(name, age);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT DEFAULT (datetime('now')));
    CREATE TABLE kv (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE TABLE audited (id INTEGER PRIMARY KEY, v, updated);
    CREATE TABLE audit (what);
    CREATE TRIGGER audited_insert AFTER INSERT ON audited BEGIN INSERT INTO audit VALUES (new.v); END;
    CREATE TRIGGER audited_update AFTER UPDATE ON audited BEGIN DELETE FROM audit WHERE what = new.v; END;
    CREATE VIRTUAL TABLE docs USING fts5(body);
  `);
});

function boundOf(sql: string) {
  const facts = readSchemaFacts(db);
  const explain = db as unknown as { explain(sql: string): ExplainRow[] };
  return boundSteps(readProgram(explain.explain(sql)), {
    readonly: db.prepare(sql).readonly,
    sqlLength: sql.length,
    rootPage: facts.rootPage,
  });
}

describe("statements that end after a number of steps that their text decides", () => {
  test.each([
    "SELECT 1",
    "SELECT * FROM users WHERE id = ?",
    "SELECT name, age FROM users WHERE email = ?1",
    "SELECT u.name, o.name FROM users u JOIN orgs o ON o.id = u.org WHERE u.id = ?",
    "SELECT * FROM kv WHERE k = ?",
    "SELECT max(id) FROM users",
    "INSERT INTO users (email, name) VALUES (?, ?)",
    "INSERT INTO users (email, name) VALUES (?, ?) RETURNING *",
    "INSERT INTO orgs (name) VALUES (?)",
    "INSERT INTO audit (what) VALUES (?), (?), (?)",
    "INSERT INTO users (email, name) VALUES (?, ?), (?, ?), (?, ?)",
    "INSERT INTO counted DEFAULT VALUES",
    "INSERT INTO users (id, email) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET email = excluded.email",
    "INSERT OR REPLACE INTO kv VALUES (?, ?)",
    "UPDATE users SET name = ?, age = age + 1 WHERE id = ?",
    "UPDATE users SET name = ? WHERE email = ?",
    "DELETE FROM users WHERE id = ?",
    "DELETE FROM kv WHERE k = ?",
    "SELECT * FROM audited WHERE id = ?",
  ])("%s", (sql) => {
    expect(boundOf(sql)).toEqual({ kind: "constant" });
  });
});

describe("reads that give each row after such a number of steps", () => {
  test.each([
    "SELECT * FROM users",
    "SELECT * FROM users LIMIT 20",
    "SELECT * FROM users WHERE id > ? ORDER BY id LIMIT 20",
    "SELECT * FROM users WHERE name = ? ORDER BY age DESC LIMIT 20",
    "SELECT name FROM users WHERE name BETWEEN ? AND ?",
    "SELECT * FROM users WHERE id IN (?, ?, ?)",
    "SELECT name FROM sqlite_master",
  ])("%s", (sql) => {
    expect(boundOf(sql)).toEqual({ kind: "row-by-row" });
  });
});

describe("loops over one table, once", () => {
  test.each([
    ["SELECT * FROM users WHERE age > ?", 64],
    ["SELECT count(*) FROM users", 64],
    ["SELECT count(*) FROM users WHERE age > ?", 64],
    ["SELECT * FROM users LIMIT 20 OFFSET 40", 64],
    ["SELECT * FROM users ORDER BY age", 16],
    ["UPDATE kv SET v = ? WHERE v = ?", 16],
    ["DELETE FROM audit WHERE what = ?", 16],
  ])("%s is short up to %i pages", (sql, maxPages) => {
    expect(boundOf(sql)).toEqual({ kind: "small-table", maxPages });
  });
});

describe("statements of unknown length", () => {
  test.each([
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
    "SELECT count(*) FROM users a, users b",
    "SELECT * FROM users a, users b WHERE a.age < b.age",
    "SELECT a.id FROM users a JOIN users b ON b.email = a.name WHERE b.age > 5",
    "SELECT * FROM users WHERE name LIKE ?",
    "SELECT replace(name, 'a', ?) FROM users WHERE id = 1",
    "SELECT hex(zeroblob(1000000000))",
    "SELECT randomblob(1000000000)",
    "SELECT printf('%.*c', 1000000000, 'x')",
    "SELECT group_concat(name) FROM users",
    "SELECT * FROM users WHERE name || ? = 'x'",
    "SELECT (SELECT max(name) FROM users WHERE age > 1), name FROM users WHERE age > 2 ORDER BY age",
    "SELECT * FROM docs WHERE docs MATCH ?",
    "SELECT * FROM docs_content WHERE id = ?",
    "INSERT INTO docs (body) VALUES (?)",
    "INSERT INTO audited (v) VALUES (?)",
    "UPDATE audited SET v = ? WHERE id = ?",
    "DELETE FROM orgs WHERE id = ?",
    "INSERT INTO orgs (name) VALUES (?), (?), (?)",
    "WITH RECURSIVE c(x) AS (SELECT 'a' UNION ALL SELECT x || x FROM c) SELECT x FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION SELECT x + 1 FROM c) SELECT x FROM c",
    "SELECT sum(x) FROM (SELECT age AS x FROM users LIMIT 10) a, users b",
    "INSERT INTO audit SELECT name FROM users",
    "INSERT INTO users (name) SELECT hex(name) FROM users WHERE id = 1",
    "PRAGMA integrity_check",
    "VACUUM",
    "CREATE TABLE x (a)",
    "DROP TABLE users",
    "SELECT name, name, name, name, name FROM users WHERE id = 1",
  ])("%s", (sql) => {
    expect(boundOf(sql).kind).toBe("unbounded");
  });
});
