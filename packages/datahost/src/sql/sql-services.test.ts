import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf, type SqlUnderTest, startSql, until } from "./sql-test-support.ts";

let sql: SqlUnderTest;

beforeAll(async () => {
  sql = startSql();
  await sql.query("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, age INT)");
});

afterAll(async () => {
  expect(sql.defects).toEqual([]);
  await sql.close();
});

describe("queries", () => {
  test("a database is there when it is first asked for, and a write is read back", async () => {
    await sql.query("CREATE TABLE t (a, b)", [], { database: "fresh" });
    const written = await sql.query("INSERT INTO t VALUES (?, ?)", ["x", 2], { database: "fresh" });
    expect(written.meta).toMatchObject({ changes: 1, lastRowId: 1, rowsWritten: 1, changedDb: true });
    const read = await sql.query("SELECT a, b FROM t", [], { database: "fresh" });
    expect(read).toMatchObject({ columns: ["a", "b"], rows: [["x", 2]], meta: { changes: 0, changedDb: false } });
    expect(read.meta.sizeAfterBytes).toBeGreaterThan(4096);
  });

  test("projects and databases do not see each other", async () => {
    const error = await failureOf(sql.query("SELECT * FROM users", [], { projectId: "prj_b" }));
    expect(error).toMatchObject({ code: "DB_QUERY_FAILED", message: "no such table: users" });
  });

  test.each([
    ["SELECT ?, ?", [1, "a"], [[1, "a"]]],
    ["SELECT ?2, ?1", ["a", "b"], [["b", "a"]]],
    ["SELECT :x, @y, :x", ["a", "b"], [["a", "b", "a"]]],
    ["SELECT ?, :x, ?", ["a", "b", "c"], [["a", "b", "c"]]],
    ["SELECT ?3", ["a", "b", "c"], [["c"]]],
    ["SELECT typeof(?), typeof(?), typeof(?)", [1, 1.5, true], [["integer", "real", "integer"]]],
    ["SELECT ?, NULL", [null], [[null, null]]],
    ["SELECT ?", [{ $bytes: "AQI=" }], [[{ $bytes: "AQI=" }]]],
    ["SELECT 1; SELECT ?", ["last"], [["last"]]],
  ])("%s binds %j", async (text, params, rows) => {
    expect((await sql.query(text, params)).rows).toEqual(rows);
  });

  test.each([
    ["SELECT * FROM nope", [], "no such table: nope"],
    ["SELEC 1", [], 'near "SELEC": syntax error'],
    ["SELECT ?", [], "Wrong number of parameter bindings for SQL query."],
    ["SELECT ?", [1, 2], "Wrong number of parameter bindings for SQL query."],
    [
      "SELECT ?; SELECT 1",
      [1],
      "When executing multiple SQL statements in a single call, only the last statement can have parameters.",
    ],
    ["SELECT :a, @a", [1, 2], "Two parameters differ only in their first character: @a."],
    ["", [], "No SQL statements detected."],
    ["-- nothing", [], "SQL code did not contain a statement."],
    ["SELECT 1\0; DROP TABLE users", [], "unrecognized token: a NUL character"],
    [`SELECT '${"x".repeat(110_000)}'`, [], "statement too long"],
    [`SELECT ${Array(101).fill("?").join(",")}`, Array(101).fill(1), "too many SQL variables"],
    ["SELECT length(?)", ["x".repeat(2_000_001)], "string or blob too big"],
  ])("%.40s fails with SQLite's words", async (text, params, message) => {
    expect(await failureOf(sql.query(text, params))).toMatchObject({ code: "DB_QUERY_FAILED", message });
  });

  test("a failed constraint says which, with both of SQLite's codes", async () => {
    await sql.query("INSERT INTO users (email) VALUES ('twice@x')");
    expect(await failureOf(sql.query("INSERT INTO users (email) VALUES ('twice@x')"))).toMatchObject({
      message: "UNIQUE constraint failed: users.email",
      details: { sqliteCode: "SQLITE_CONSTRAINT", extendedCode: "SQLITE_CONSTRAINT_UNIQUE" },
    });
  });

  test("a statement that was prepared before the schema changed is answered by the new one", async () => {
    await sql.query("CREATE TABLE moving (id INTEGER PRIMARY KEY, a)");
    await sql.query("INSERT INTO moving (a) VALUES (1)");
    expect((await sql.query("SELECT * FROM moving WHERE id = 1")).columns).toEqual(["id", "a"]);
    await sql.query("ALTER TABLE moving ADD COLUMN b DEFAULT 'new'");
    expect((await sql.query("SELECT * FROM moving WHERE id = 1")).rows).toEqual([[1, 1, "new"]]);
    await sql.query("DROP TABLE moving");
    expect((await failureOf(sql.query("SELECT * FROM moving WHERE id = 1"))).message).toBe("no such table: moving");
  });

  test("full-text search, views, triggers, foreign keys and generated columns work", async () => {
    const scope = { database: "features" };
    await sql.call("db.exec", {
      projectId: "prj_a",
      ...scope,
      sql: `CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, upper_title TEXT AS (upper(title)));
            CREATE VIRTUAL TABLE posts_fts USING fts5(title, content='posts', content_rowid='id');
            CREATE TRIGGER posts_ai AFTER INSERT ON posts BEGIN
              INSERT INTO posts_fts (rowid, title) VALUES (new.id, new.title);
            END;
            CREATE TABLE comments (post INT NOT NULL REFERENCES posts(id) ON DELETE CASCADE, body TEXT);
            CREATE VIEW titles AS SELECT id, upper_title FROM posts;`,
    });
    await sql.query("INSERT INTO posts (title) VALUES (?), (?)", ["hello world", "good bye"], scope);
    const inserted = await sql.query("INSERT INTO comments VALUES (1, 'a'), (1, 'b')", [], scope);
    expect(inserted.meta.changes).toBe(2);
    expect((await sql.query("SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?", ["world"], scope)).rows).toEqual([
      [1],
    ]);
    expect((await sql.query("SELECT * FROM titles WHERE id = 2", [], scope)).rows).toEqual([[2, "GOOD BYE"]]);
    const orphan = await failureOf(sql.query("INSERT INTO comments VALUES (99, 'x')", [], scope));
    expect(orphan.message).toBe("FOREIGN KEY constraint failed");
    const deleted = await sql.query("DELETE FROM posts WHERE id = 1", [], scope);
    expect(deleted.meta.changes).toBe(3);
  });

  test.each(["UPDATE users SET nope = 1", "UPDATE users SET nope = name || 'x'"])(
    "a text of many statements says on which line the one that failed begins: %s",
    async (failing) => {
      const text = `SELECT 1;\n\nSELECT ';\n'; /* \n */ ${failing};\nSELECT 2`;
      const error = await failureOf(sql.call("db.exec", { projectId: "prj_a", database: "main", sql: text }));
      expect(error).toMatchObject({
        message: "no such column: nope",
        details: { line: 5, sqliteCode: "SQLITE_ERROR" },
      });
    },
  );

  test("mode data reads and writes rows, and refuses changes of the schema", async () => {
    await sql.query("INSERT INTO users (name) VALUES ('data')", [], { mode: "data" });
    for (const ddl of [
      "CREATE TABLE x (a)",
      "DROP TABLE users",
      "ALTER TABLE users ADD COLUMN z",
      "VACUUM",
      "PRAGMA user_version = 3",
    ]) {
      expect(await failureOf(sql.query(ddl, [], { mode: "data" })), ddl).toMatchObject({
        code: "DB_STATEMENT_REFUSED",
      });
    }
  });

  test("PRAGMA foreign_keys = OFF has no effect, and VACUUM works", async () => {
    await sql.query("PRAGMA foreign_keys = OFF");
    expect((await sql.query("PRAGMA foreign_keys")).rows).toEqual([[1]]);
    await sql.query("VACUUM");
    expect((await sql.query("SELECT count(*) > 0 FROM users")).rows).toEqual([[1]]);
  });

  test("no database has a name that leaves its folder", async () => {
    for (const database of ["../x", "a/b", "", ".", "UPPER", "x".repeat(64)]) {
      expect(await failureOf(sql.query("SELECT 1", [], { database })), database).toMatchObject({ code: "NOT_FOUND" });
    }
    expect(await failureOf(sql.query("SELECT 1", [], { projectId: "../prj_a" }))).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("batches", () => {
  const scope = { projectId: "prj_a", database: "batches" };
  beforeAll(async () => {
    await sql.query("CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT UNIQUE)", [], scope);
  });

  test("an atomic batch gives each statement's result, later ones see earlier ones", async () => {
    const statements = [
      { sql: "INSERT INTO b (v) VALUES (?)", params: ["one"] },
      { sql: "SELECT v FROM b" },
      { sql: "UPDATE b SET v = 'two' RETURNING v" },
    ];
    const { results } = await sql.call("db.batch", { ...scope, statements, atomic: true });
    expect(results).toMatchObject([{ meta: { changes: 1 } }, { rows: [["one"]] }, { rows: [["two"]] }]);
  });

  test.each([
    ["short", "INSERT INTO b (v) VALUES ('two')"],
    ["long", "INSERT INTO b (v) SELECT v || '' FROM b"],
  ])("an atomic batch whose %s statement fails leaves nothing behind", async (_kind, failing) => {
    const before = (await sql.query("SELECT count(*) FROM b", [], scope)).rows;
    const statements = [{ sql: "INSERT INTO b (v) VALUES ('gone')" }, { sql: failing }];
    const error = await failureOf(sql.call("db.batch", { ...scope, statements, atomic: true }));
    expect(error.message).toBe("UNIQUE constraint failed: b.v");
    expect((await sql.query("SELECT count(*) FROM b", [], scope)).rows).toEqual(before);
  });

  test("in a batch that is not atomic a failure takes the place of its result", async () => {
    const statements = [{ sql: "INSERT INTO b (v) VALUES ('two')" }, { sql: "INSERT INTO b (v) VALUES ('three')" }];
    const { results } = await sql.call("db.batch", { ...scope, statements, atomic: false });
    expect(results).toMatchObject([{ error: { code: "DB_QUERY_FAILED" } }, { meta: { changes: 1 } }]);
  });

  test("deferred foreign keys are checked when the batch ends", async () => {
    await sql.query("CREATE TABLE parent (id INTEGER PRIMARY KEY)", [], scope);
    await sql.query("CREATE TABLE child (p INT REFERENCES parent(id))", [], scope);
    const child = { sql: "INSERT INTO child VALUES (7)" };
    const pragma = { sql: "PRAGMA defer_foreign_keys = ON" };
    const orphan = sql.call("db.batch", { ...scope, statements: [pragma, child], atomic: true });
    expect((await failureOf(orphan)).message).toBe("FOREIGN KEY constraint failed");
    const statements = [pragma, child, { sql: "INSERT INTO parent VALUES (7)" }];
    await sql.call("db.batch", { ...scope, statements, atomic: true });
    expect((await sql.query("SELECT count(*) FROM child", [], scope)).rows).toEqual([[1]]);
  });
});

describe("limits", () => {
  test("a result over the limit is refused, and the database answers on", async () => {
    const small = startSql({ maxResultBytes: 100_000 });
    const big =
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, 'xxxxxxxxxxxxxxxxxxxx' FROM c";
    expect(await failureOf(small.query(big))).toMatchObject({
      code: "DB_RESULT_TOO_LARGE",
      details: { maxBytes: 100_000 },
    });
    expect((await small.query("SELECT 1")).rows).toEqual([[1]]);
    await small.close();
  });

  test("a result of too many rows is refused with the number of rows that are allowed", async () => {
    const small = startSql({ maxResultRows: 2_000 });
    const rows = (count: number) =>
      small.query("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ?) SELECT x FROM c", [count]);
    expect((await rows(2_000)).rows).toHaveLength(2_000);
    expect(await failureOf(rows(2_001))).toMatchObject({
      code: "DB_RESULT_TOO_LARGE",
      message: "The result has more than 2,000 rows.",
      details: { maxRows: 2_000 },
    });
    await small.close();
  });

  test.each([
    "INSERT INTO large (v) VALUES (hex(zeroblob(1500000)))",
    "INSERT INTO large (v) VALUES (zeroblob(3000000))",
    "UPDATE large SET v = zeroblob(2000001)",
    "INSERT INTO large (v, w) VALUES (zeroblob(1200000), zeroblob(1200000))",
    "CREATE TABLE large2 AS SELECT zeroblob(3000000) AS v",
    "INSERT INTO large (id, v) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = zeroblob(3000000)",
  ])("no row gets larger than the limit: %s", async (text) => {
    await sql.query("CREATE TABLE IF NOT EXISTS large (id INTEGER PRIMARY KEY, v, w)");
    await sql.query("INSERT OR IGNORE INTO large (id, v) VALUES (1, 'x')");
    expect(await failureOf(sql.query(text))).toMatchObject({
      message: "string or blob too big",
      details: { sqliteCode: "SQLITE_TOOBIG" },
    });
    const [largest] = (await sql.query("SELECT max(octet_length(v)) FROM large")).rows;
    expect(largest?.[0]).toBeLessThan(2_000_000);
  });

  test("a row cannot grow over the limit step by step in the host either", async () => {
    await sql.query("CREATE TABLE IF NOT EXISTS wide (id INTEGER PRIMARY KEY, a, b, c, d)");
    await sql.query("INSERT INTO wide (id) VALUES (1)");
    const value = "x".repeat(900_000);
    await sql.query("UPDATE wide SET a = ? WHERE id = 1", [value]);
    await sql.query("UPDATE wide SET b = ? WHERE id = 1", [value]);
    for (const text of ["UPDATE wide SET c = ? WHERE id = 1", "UPDATE wide SET c = a WHERE id = 1 AND ? <> ''"]) {
      expect((await failureOf(sql.query(text, [value]))).message).toBe("string or blob too big");
    }
  });

  test("a schema that would take long to read is refused", async () => {
    const small = startSql({ maxSchemaObjects: 5 });
    for (const name of ["a", "b", "c", "d"]) await small.query(`CREATE TABLE ${name} (x)`);
    expect((await failureOf(small.query("CREATE TABLE e (x)"))).message).toContain("The schema is too large");
    expect((await small.query("SELECT count(*) FROM sqlite_master")).rows).toEqual([[5]]);
    await small.close();
  });

  test("a statement that needs too much memory fails by itself", async () => {
    const small = startSql({ childMemoryBytes: 64 * 1024 * 1024 });
    const hungry = `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000)
      SELECT max(y) FROM (SELECT randomblob(1000) AS y FROM c ORDER BY y LIMIT 300000)`;
    expect(await failureOf(small.query(hungry))).toMatchObject({ code: "DB_MEMORY_LIMIT" });
    expect((await small.query("SELECT 1")).rows).toEqual([[1]]);
    await small.close();
  });
});

describe("files", () => {
  test("nothing that was stored can be read in the files, nor by another key", async () => {
    const marker = "MARKER-cleartext-0123456789";
    await sql.query("CREATE TABLE secret (v TEXT)");
    await sql.query("INSERT INTO secret VALUES (?)", [marker]);
    await sql.query("INSERT INTO secret SELECT v || ? FROM secret", [marker]);
    const bytes = sql.readAllBytes();
    expect(bytes.length).toBeGreaterThan(10_000);
    expect(bytes.includes(marker)).toBe(false);
    expect(bytes.includes("CREATE TABLE")).toBe(false);
    expect(bytes.includes("SQLite format 3")).toBe(false);
  });

  test("what was written is there after a restart", async () => {
    await sql.query("INSERT INTO users (name) VALUES ('stays')");
    await sql.reopen();
    expect((await sql.query("SELECT count(*) FROM users WHERE name = 'stays'")).rows).toEqual([[1]]);
  });

  test("the write-ahead log is copied into the database, and stays small however much is written", async () => {
    const scope = { database: "busy" };
    const sizeOf = (ending: string) => statSync(join(sql.dataDir, `host/projects/prj_a/db/busy.sqlite${ending}`)).size;
    await sql.query("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", [], scope);
    const value = "x".repeat(100_000);
    for (let round = 0; round < 300; round++) await sql.query("INSERT INTO t (v) VALUES (?)", [value], scope);
    await until(() => sizeOf("") > 20_000_000);
    expect(sizeOf("-wal")).toBeLessThan(20_000_000);
    expect((await sql.query("SELECT count(*), sum(length(v)) FROM t", [], scope)).rows).toEqual([[300, 30_000_000]]);
  });

  test("databases beyond the limit are closed and opened again when they are needed", async () => {
    const few = startSql({ maxOpenDatabases: 5 });
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 20; at++) {
        const scope = { projectId: `prj_${at}` };
        if (round === 0) await few.query("CREATE TABLE t (a)", [], scope);
        await few.query("INSERT INTO t VALUES (?)", [at], scope);
        expect(few.services.stats().openDatabases).toBeLessThanOrEqual(5);
      }
    }
    expect((await few.query("SELECT a FROM t", [], { projectId: "prj_3" })).rows).toEqual([[3], [3]]);
    await few.close();
  });

  test("a deleted project's databases are gone, and its name starts anew", async () => {
    const scope = { projectId: "prj_doomed" };
    await sql.query("CREATE TABLE t (a)", [], scope);
    await sql.query("SELECT count(*) FROM t WHERE a LIKE 'x'", [], scope);
    await sql.services.deleteProject("prj_doomed");
    expect(await sql.call("db.list", scope)).toEqual({ databases: [] });
    expect((await failureOf(sql.query("SELECT * FROM t", [], scope))).message).toBe("no such table: t");
  });
});
