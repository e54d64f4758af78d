import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSeededRandom } from "../state/seeded-random-test-support.ts";
import { failureOf, type SqlUnderTest, startSql } from "./sql-test-support.ts";

// D1's SQLite takes a name in double quotes that is no column for a string. So does the one here that it is compared with.

const SCHEMA = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, kind TEXT)",
  'CREATE TABLE u (id INTEGER PRIMARY KEY, b TEXT, "two words" TEXT)',
  "INSERT INTO t VALUES (1, 'x', 'table'), (2, 'a', 'it''s'), (3, 'b', 'say \"hi\"')",
  "INSERT INTO u VALUES (1, 'x', 'one'), (2, 'b', 'two')",
  "CREATE VIEW v AS SELECT id, a FROM t",
];

let sql: SqlUnderTest;
const oracle = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true });

beforeAll(async () => {
  sql = startSql();
  for (const statement of SCHEMA) {
    await sql.query(statement);
    oracle.exec(statement);
  }
});
afterAll(async () => {
  oracle.close();
  await sql.close();
});

/** Columns and rows as SQLite has them, or that it fails. */
function expected(text: string): unknown {
  try {
    const statement = oracle.prepare(text);
    const columns = statement.columns().map(({ name }) => name);
    statement.setReturnArrays(true);
    return [columns, statement.all() as unknown];
  } catch {
    return "an error";
  }
}
async function seen(text: string): Promise<unknown> {
  return await sql.query(text).then(
    ({ columns, rows }) => [columns, rows],
    () => "an error",
  );
}

describe("a name in double quotes", () => {
  test.each([
    'SELECT id FROM t WHERE kind = "table"',
    'SELECT id FROM t WHERE "kind" = "table"',
    'SELECT "a", "nope", "it\'s", "say ""hi""", "" FROM t',
    'SELECT id FROM t WHERE kind IN ("table", "it\'s") ORDER BY "id" DESC',
    'SELECT "a" FROM t WHERE EXISTS (SELECT "a" FROM u WHERE "b" = "a" AND "a" <> "nope")',
    'SELECT (SELECT "b" FROM u WHERE "b" = "x"), "b" FROM t',
    'SELECT t.id, "b", "b" FROM t JOIN u ON u.b = t.a AND "two words" = "two"',
    'SELECT id AS "label" FROM t ORDER BY "label"',
    'SELECT id "label" FROM t GROUP BY "other"',
    'SELECT x"ab"',
    "SELECT 'a'\"b\"",
    'SELECT 1 AS one, "x"||"y", \'z\' FROM t LIMIT 1',
    'WITH c("x") AS (SELECT 1) SELECT "x", "y" FROM c',
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, "text" FROM n',
    'SELECT name FROM pragma_table_info("t")',
    'SELECT "a", "missing" FROM v WHERE "a" = "x"',
    'SELECT json_extract(\'{"k": 7}\', "$.k")',
    'VALUES ("a", "b"), ("c", \'d\')',
    'SELECT "t"."nope" FROM t',
    'SELECT nope FROM t WHERE kind = "table"',
    "SELECT `nope` FROM t",
    "SELECT [nope] FROM t",
    'SELECT "nope"("x") FROM t',
    'SELECT "x" FROM "nowhere"',
    'SELECT "x',
    'SELECT "a;b", "-- no comment", "/* none */"',
  ])("is a column where there is one, else a string, as in D1: %s", async (text) => {
    expect(await seen(text)).toEqual(expected(text));
  });

  test.each(Array.from({ length: 8 }, (_, seed) => seed))(
    "means the same as there in random statements, seed %i",
    async (seed) => {
      const random = createSeededRandom(seed);
      const names = ['"a"', '"b"', '"id"', '"x"', '"two words"', '"it\'s"', '"nope"', "'a'", "a", "u.b", '"t"."a"'];
      const one = () => random.pick(names) as string;
      const condition = (depth: number): string =>
        random.pick([
          () => `${one()} = ${one()}`,
          () => `${one()} IN (${one()}, ${one()})`,
          () => `${one()} || ${one()} <> ${one()}`,
          () => (depth > 1 ? "1" : `EXISTS (SELECT ${one()} FROM u WHERE ${condition(depth + 1)})`),
          () => (depth > 1 ? "1" : `${condition(depth + 1)} OR ${condition(depth + 1)}`),
        ])?.() ?? "1";
      for (let count = 0; count < 60; count++) {
        const from = random.pick(["t", "u", "t, u", "t JOIN u ON t.a = u.b"]) as string;
        const text = `SELECT ${one()} AS p, ${one()} AS q FROM ${from} WHERE ${condition(0)} ORDER BY 1, 2`;
        expect([text, await seen(text)]).toEqual([text, expected(text)]);
      }
    },
  );

  test("is what it names again as soon as there is such a column, also in a statement that was prepared before", async () => {
    const text = 'SELECT "later" AS value FROM t WHERE id = 1';
    expect((await sql.query(text)).rows).toEqual([["later"]]);
    await sql.query("ALTER TABLE t ADD COLUMN later TEXT DEFAULT 'a column'");
    expect((await sql.query(text)).rows).toEqual([["a column"]]);
    await sql.query("ALTER TABLE t DROP COLUMN later");
    expect((await sql.query(text)).rows).toEqual([["later"]]);
  });

  test("can be written: quotes in it stay quotes, and it runs nothing", async () => {
    await sql.query("CREATE TABLE notes (text TEXT)");
    const hostile = `x'); DROP TABLE notes; --`;
    await sql.query(`INSERT INTO notes VALUES ("${hostile}"), ("two ""double"" and 'single'")`);
    await sql.query('UPDATE notes SET text = text || "!" WHERE "text" LIKE "two%"');
    expect((await sql.query("SELECT text FROM notes")).rows).toEqual([[hostile], [`two "double" and 'single'!`]]);
    await sql.query('DELETE FROM notes WHERE text = "nothing"');
    await sql.query(`DELETE FROM notes WHERE text = "${hostile}"`);
    expect((await sql.query("SELECT count(*) FROM notes")).rows).toEqual([[1]]);
  });

  test("keeps the positions of parameters", async () => {
    const { rows } = await sql.query('SELECT ?, "s", ?2, "s" WHERE ?1 = "one"', ["one", "two"]);
    expect(rows).toEqual([["one", "s", "two", "s"]]);
  });

  test.each([
    ["a table's default expression", 'CREATE TABLE w (a TEXT CHECK (a <> "nope"))'],
    ["an index", 'CREATE INDEX w ON t ("nope")'],
  ])("stays an error in %s, whose text is kept", async (_what, text) => {
    expect(await failureOf(sql.query(text))).toMatchObject({ code: "DB_QUERY_FAILED" });
  });

  test("opens no way to what is refused", async () => {
    for (const text of [
      'SELECT "load_extension"("/tmp/x.so")',
      'SELECT * FROM pragma_table_info("_aerostack_commits") WHERE "x" = "x" AND load_extension("x")',
      'PRAGMA journal_mode = "DELETE"',
      'ATTACH "/etc/passwd" AS "p"',
    ]) {
      expect([text, (await failureOf(sql.query(text))).code]).toEqual([text, "DB_STATEMENT_REFUSED"]);
    }
  });

  test("is looked at a bounded number of times: of a statement with hundreds of them it is an error", async () => {
    const many = Array.from({ length: 500 }, (_, index) => `"s${index}"`).join(", ");
    const failure = await failureOf(sql.query(`SELECT ${many}`));
    expect(failure).toMatchObject({
      code: "DB_QUERY_FAILED",
      message: expect.stringMatching(/^no such column: "s\d+"/),
    });
    const twenty = Array.from({ length: 20 }, (_, index) => `"s${index}"`);
    expect((await sql.query(`SELECT ${twenty.join(", ")}`)).rows).toEqual([twenty.map((name) => name.slice(1, -1))]);
  });
});

describe("a statement without the values that it wants", () => {
  test.each([
    ["SELEC ?", 'near "SELEC": syntax error'],
    ["SELECT ? FROM nowhere", "no such table: nowhere"],
    ["INSERT INTO t (nope) VALUES (?)", "table t has no column named nope"],
    ["SELECT nope FROM v WHERE a = ?", "no such column: nope"],
    ["SELECT a FROM v WHERE a = ?", "Wrong number of parameter bindings for SQL query."],
    ["SELECT a FROM t WHERE id = ?", "Wrong number of parameter bindings for SQL query."],
    ["UPDATE t SET a = ? WHERE id = 1", "Wrong number of parameter bindings for SQL query."],
  ])("is told first what is wrong with its text: %s", async (text, message) => {
    expect(await failureOf(sql.query(text))).toMatchObject({ code: "DB_QUERY_FAILED", message });
    expect((await sql.query("SELECT count(*) FROM t")).rows).toEqual([[3]]);
  });
});
