import { beforeAll, describe, expect, test } from "vitest";
import { Database, type SqliteDatabase } from "../state/sqlite-driver.ts";
import { compileStatement } from "./compile-statement.ts";
import { readSchemaFacts } from "./schema-facts.ts";

let db: SqliteDatabase;

beforeAll(() => {
  db = new Database(":memory:");
  db.exec(`
    CREATE TABLE orgs (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, age INT);
    CREATE INDEX users_name ON users(name, age);
    CREATE TABLE stamped (id INTEGER PRIMARY KEY, v, at TEXT DEFAULT (strftime('%s', 'now')));
    CREATE TABLE audited (id INTEGER PRIMARY KEY, v);
    CREATE TRIGGER t AFTER INSERT ON audited BEGIN INSERT INTO orgs (name) VALUES (new.v || new.v); END;
  `);
});

function growthOf(sql: string) {
  return compileStatement(db, readSchemaFacts(db), { sql, leadBytes: 0, closing: "", verb: sql.split(" ")[0] ?? "" })
    .growth;
}

describe("writes that put into a row no more than was there and what was bound", () => {
  test.each([
    "INSERT INTO users (email, name) VALUES (?, ?)",
    "INSERT INTO stamped (v) VALUES (?)",
    "UPDATE users SET name = ? WHERE id = ?",
    "UPDATE users SET age = age + 1 WHERE id = ?",
    "UPDATE users SET name = ?, age = age + 1 WHERE email = ?",
    "INSERT INTO users (id, email) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET email = excluded.email",
    "DELETE FROM users WHERE id = ?",
    "INSERT INTO orgs (name) SELECT name FROM users",
  ])("%s", (sql) => {
    expect(growthOf(sql).canGrow).toBe(false);
  });
});

describe("writes that may make a row longer than that", () => {
  test.each([
    "UPDATE users SET name = name || ? WHERE id = ?",
    "UPDATE users SET name = email WHERE id = ?",
    "UPDATE users SET name = hex(name) WHERE id = ?",
    "UPDATE users SET name = strftime(name) WHERE id = ?",
    "INSERT INTO users (email, name) SELECT name, name FROM orgs",
    "INSERT INTO users (email, name) SELECT a.name, b.name FROM orgs a JOIN orgs b ON b.id = a.id + 1",
    "INSERT INTO orgs (name) SELECT group_concat(name) FROM users",
    "INSERT INTO orgs (name) VALUES (zeroblob(?))",
    "INSERT INTO audited (v) VALUES (?)",
  ])("%s", (sql) => {
    expect(growthOf(sql).canGrow).toBe(true);
  });
});

test("a parameter that is used for many columns counts as often", () => {
  expect(growthOf("INSERT INTO users (email, name, age) VALUES (?1, ?1, ?1)").maxParameterUses).toBe(3);
});
