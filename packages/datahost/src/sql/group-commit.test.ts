import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failureOf, type SqlUnderTest, startSql } from "./sql-test-support.ts";

let sql: SqlUnderTest;

beforeEach(async () => {
  sql = startSql();
  await sql.query("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE)");
});

afterEach(() => sql.close());

const insert = (v: string) => sql.query("INSERT INTO t (v) VALUES (?)", [v]);
const values = async () => (await sql.query("SELECT v FROM t ORDER BY id")).rows.map(([v]) => v);

describe("group commit", () => {
  test("writes that arrive together share a commit, each with its own result", async () => {
    const before = sql.services.stats().commits;
    const results = await Promise.all(Array.from({ length: 200 }, (_, at) => insert(`v${at}`)));
    expect(new Set(results.map(({ meta }) => meta.lastRowId)).size).toBe(200);
    expect(results.every(({ meta }) => meta.changes === 1)).toBe(true);
    expect(sql.services.stats().commits - before).toBeLessThanOrEqual(10);
  });

  test("a failing write undoes itself only", async () => {
    const settled = await Promise.allSettled([
      insert("a"),
      insert("a"),
      insert("b"),
      sql.query("INSERT INTO nope VALUES (1)"),
      insert("c"),
    ]);
    expect(settled.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(await values()).toEqual(["a", "b", "c"]);
  });

  test("a failing batch undoes all of itself and nothing of its neighbours", async () => {
    const batch = (texts: string[]) => {
      const statements = texts.map((v) => ({ sql: "INSERT INTO t (v) VALUES (?)", params: [v] }));
      return sql.call("db.batch", { projectId: "prj_a", database: "main", statements, atomic: true });
    };
    const settled = await Promise.allSettled([insert("a"), batch(["x", "y", "a"]), insert("b"), batch(["p", "q"])]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(await values()).toEqual(["a", "b", "p", "q"]);
  });

  test("a write that rolls its transaction back takes nobody along", async () => {
    await insert("a");
    const settled = await Promise.allSettled([
      insert("b"),
      sql.query("INSERT OR ROLLBACK INTO t (v) VALUES ('a')"),
      insert("c"),
    ]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await values()).toEqual(["a", "b", "c"]);
  });

  test("a constraint that is checked at the commit fails the write that broke it", async () => {
    await sql.query("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
    await sql.query("CREATE TABLE child (p INT REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED)");
    await sql.query("INSERT INTO parent VALUES (1)");
    const child = (p: number) => sql.query("INSERT INTO child VALUES (?)", [p]);
    const settled = await Promise.allSettled([child(1), child(99), child(1), insert("a")]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect((await sql.query("SELECT p FROM child")).rows).toEqual([[1], [1]]);
  });

  test("short and long writes keep their order", async () => {
    await insert("first");
    const settled = [
      insert("a"),
      sql.query("INSERT INTO t (v) SELECT v || '!' FROM t"),
      insert("b"),
      sql.query("DELETE FROM t WHERE v LIKE '%!'"),
      insert("c"),
    ];
    await Promise.all(settled);
    expect(await values()).toEqual(["first", "a", "b", "c"]);
  });

  test("more than may wait is refused, and what was accepted is done", async () => {
    const small = startSql({ maxWaitingWrites: 10 });
    await small.query("CREATE TABLE t (a)");
    const settled = await Promise.allSettled(
      Array.from({ length: 30 }, (_, at) => small.query("INSERT INTO t VALUES (?)", [at])),
    );
    const done = settled.filter(({ status }) => status === "fulfilled").length;
    expect(done).toBe(10);
    expect(settled.at(-1)).toMatchObject({ reason: { code: "DB_OVERLOADED" } });
    expect((await small.query("SELECT count(*) FROM t")).rows).toEqual([[done]]);
    await small.close();
  });
});

describe("the commit log", () => {
  const startedAt = Date.now();
  const repeat = (writeId: string, text: string) =>
    sql.call("db.query", { projectId: "prj_a", database: "main", sql: text, writeId, firstSentAt: startedAt });
  const send = (writeId: string, text: string) =>
    sql.call("db.query", { projectId: "prj_a", database: "main", sql: text, writeId });

  test.each([
    ["short", "INSERT INTO t (v) VALUES ('once')"],
    ["long", "INSERT INTO t (v) SELECT 'on' || 'ce'"],
  ])("a %s write that is sent again after it was committed is not done twice", async (_kind, text) => {
    const first = await send("w1", text);
    await sql.reopen();
    const again = await repeat("w1", text);
    expect(again.meta).toMatchObject({ changes: first.meta.changes, lastRowId: first.meta.lastRowId });
    expect(await values()).toEqual(["once"]);
  });

  const SHORT = "INSERT INTO t (v) VALUES ('once')";
  const LONG = "INSERT INTO t (v) SELECT 'long' || (SELECT count(*) FROM t)";

  test.each([
    ["short", 40, "INSERT INTO t (v) VALUES (NULL)"],
    ["long", 20, LONG],
  ])("it is not done twice after more %s writes than one would remember", async (_kind, count, later) => {
    await send("w1", SHORT);
    for (let at = 0; at < count; at++) await send(`later-${at}`, later);
    await sql.reopen();
    await repeat("w1", SHORT);
    expect((await values()).filter((v) => v === "once")).toEqual(["once"]);
  });

  test("a write in a process of its own makes nobody forget the last one", async () => {
    await send("l1", LONG);
    for (let at = 0; at < 16; at++) await send(`short-${at}`, "INSERT INTO t (v) VALUES (NULL)");
    await send("w1", SHORT);
    await send("l2", LONG);
    await sql.reopen();
    await repeat("w1", SHORT);
    expect((await values()).filter((v) => v === "once")).toEqual(["once"]);
  });

  test("a write that was never committed is done when it is sent again", async () => {
    await repeat("w2", "INSERT INTO t (v) VALUES ('late')");
    expect(await values()).toEqual(["late"]);
  });

  test("a write whose rows are lost says that it was applied", async () => {
    const text = "INSERT INTO t (v) VALUES ('r') RETURNING id";
    await send("w3", text);
    expect(await failureOf(repeat("w3", text))).toMatchObject({
      code: "DB_WRITE_UNCERTAIN",
      details: { applied: true },
    });
    expect(await values()).toEqual(["r"]);
  });
});
