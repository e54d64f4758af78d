import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf, type SqlUnderTest, startSql } from "../sql/sql-test-support.ts";
import { Database } from "../state/sqlite-driver.ts";

let sql: SqlUnderTest;
const SOURCE = { projectId: "prj_a", database: "source" };

beforeAll(async () => {
  sql = startSql();
  await sql.call("db.exec", {
    ...SOURCE,
    sql: `CREATE TABLE parents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
      CREATE TABLE children (parent INT REFERENCES parents(id), big INT, real REAL, text TEXT, bytes BLOB, any_value,
        twice INT AS (big * 2));
      CREATE TABLE "we""ird name" ("a b" TEXT, "from" INT, PRIMARY KEY ("from")) WITHOUT ROWID;
      CREATE VIRTUAL TABLE notes USING fts5(body);
      CREATE VIRTUAL TABLE parents_fts USING fts5(name, content='parents', content_rowid='id');
      CREATE INDEX children_parent ON children(parent) WHERE parent > 0;
      CREATE TABLE log (what);
      CREATE TRIGGER parents_ai AFTER INSERT ON parents BEGIN
        INSERT INTO log VALUES ('in;sert'); INSERT INTO parents_fts (rowid, name) VALUES (new.id, new.name); END;
      CREATE VIEW names AS SELECT name FROM parents;`,
  });
  await sql.query("INSERT INTO parents (id, name) VALUES (7, ?), (9, ?)", ["it's; a\nname", "größe"], SOURCE);
  await sql.query(
    "INSERT INTO children (parent, big, real, text, bytes, any_value) VALUES (7, 9007199254740993, 1.0, ?, ?, 2.0), (9, -1, 9e999, '', x'', NULL)",
    ["a\0b", { $bytes: "AP8=" }],
    SOURCE,
  );
  await sql.query(`INSERT INTO "we""ird name" VALUES ('x', 3)`, [], SOURCE);
  await sql.query("INSERT INTO notes VALUES ('hello world')", [], SOURCE);
});

afterAll(() => sql.close());

async function exportText(scope: { projectId: string; database: string }): Promise<string> {
  const { exportId } = await sql.call("db.export.open", scope);
  let text = "";
  for (;;) {
    const piece = await sql.call("db.export.next", { exportId });
    text += piece.text;
    if (piece.done) return text;
  }
}

async function importText(database: string, text: string, pieceLength: number): Promise<number> {
  const { importId } = await sql.call("db.import.open", { projectId: "prj_a", database });
  for (let at = 0; at < text.length; at += pieceLength) {
    await sql.call("db.import.chunk", { importId, text: text.slice(at, at + pieceLength) });
  }
  return (await sql.call("db.import.commit", { importId })).count;
}

describe("export and import", () => {
  test("what is exported and imported elsewhere is the same database", async () => {
    const text = await exportText(SOURCE);
    expect(text).not.toContain("_cf_");
    await importText("copy", text, 97);
    expect(await exportText({ ...SOURCE, database: "copy" })).toBe(text);
    const scope = { database: "copy" };
    const [row] = (
      await sql.query(
        "SELECT CAST(big AS TEXT), typeof(real), hex(text), bytes, typeof(any_value), twice FROM children WHERE parent = 7",
        [],
        scope,
      )
    ).rows;
    expect(row?.slice(0, 5)).toEqual(["9007199254740993", "real", "610062", { $bytes: "AP8=" }, "real"]);
    expect((await sql.query("SELECT count(*) FROM log", [], scope)).rows).toEqual([[2]]);
    expect((await sql.query("SELECT rowid FROM parents_fts WHERE parents_fts MATCH 'name'", [], scope)).rows).toEqual([
      [7],
    ]);
    expect((await sql.query("SELECT rowid FROM notes WHERE notes MATCH 'world'", [], scope)).rows).toEqual([[1]]);
    const next = await sql.query("INSERT INTO parents (name) VALUES ('next')", [], scope);
    expect(next.meta.lastRowId).toBe(10);
  });

  test("an export is of one moment, whatever is written meanwhile", async () => {
    await sql.query("CREATE TABLE many (v TEXT)", [], SOURCE);
    await sql.query(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 20000) INSERT INTO many SELECT 'before ' || x FROM c",
      [],
      SOURCE,
    );
    const { exportId } = await sql.call("db.export.open", SOURCE);
    let { text } = await sql.call("db.export.next", { exportId });
    await sql.query("UPDATE many SET v = 'after'", [], SOURCE);
    for (let done = false; !done; ) {
      const piece = await sql.call("db.export.next", { exportId });
      text += piece.text;
      done = piece.done;
    }
    expect(text.match(/'before \d+'/g)).toHaveLength(20_000);
    expect(text).not.toContain("'after'");
  });

  test("an import that fails leaves nothing behind", async () => {
    const text = "CREATE TABLE half (a); INSERT INTO half VALUES (1); INSERT INTO nope VALUES (2);";
    expect((await failureOf(importText("failed", text, 1_000))).message).toBe("no such table: nope");
    expect(
      (await sql.query("SELECT count(*) FROM sqlite_master WHERE name = 'half'", [], { database: "failed" })).rows,
    ).toEqual([[0]]);
  });

  test("an import takes the dump of SQLite's own shell, and nothing that reaches files", async () => {
    const dump =
      "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE s (a);\nINSERT INTO s VALUES('x;y');\nCOMMIT;\n";
    expect(await importText("shell", dump, 10)).toBe(3);
    const error = await failureOf(importText("shell", "ATTACH 'x' AS y;", 100));
    expect(error).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
    expect((await sql.query("SELECT a FROM s", [], { database: "shell" })).rows).toEqual([["x;y"]]);
  });

  test("an import that is given up, or forgotten, lets others write again", async () => {
    const { importId } = await sql.call("db.import.open", { projectId: "prj_a", database: "given-up" });
    await sql.call("db.import.chunk", { importId, text: "CREATE TABLE g (a);" });
    await sql.call("db.import.abort", { importId });
    await sql.query("CREATE TABLE g (b)", [], { database: "given-up" });
    expect(await failureOf(sql.call("db.import.commit", { importId }))).toMatchObject({ code: "NOT_FOUND" });
  });
});

test("a dump is a plain SQLite file that SQLite opens", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dump-"));
  const path = join(directory, "dump.sqlite");
  writeFileSync(path, await sql.services.dump(SOURCE));
  const plain = new Database(path);
  expect(plain.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(plain.prepare("SELECT name FROM parents WHERE id = 9").pluck().get()).toBe("größe");
  plain.close();
  rmSync(directory, { recursive: true });
});
