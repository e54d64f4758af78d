import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type D1WorkerdUnderTest, startD1Workerd, TEST_PROJECT } from "../d1/d1-workerd-test-support.ts";
import { RUNAWAY_READ, type SqlUnderTest, startSql } from "./sql-test-support.ts";

let sql: SqlUnderTest;
let workerd: D1WorkerdUnderTest;
const defects: unknown[] = [];
const run = <T>(body: string, input?: unknown): Promise<T> => workerd.run<T>(body, input);

beforeAll(async () => {
  sql = startSql({ queryTimeoutMs: 1_000 });
  workerd = await startD1Workerd(sql.services.bindings.d1, (error) => defects.push(error));
  await run(`await env.DB.exec("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, age INT, photo BLOB)")`);
});

afterAll(async () => {
  await workerd.close();
  await sql.close();
  expect([...defects, ...sql.defects]).toEqual([]);
});

const failure = (body: string) =>
  run<string>(`try { ${body}; return "did not fail"; } catch (error) { return error.message; }`);

describe("a Worker's env.DB on the real engine", () => {
  test("run, first, all and raw give what D1 gives", async () => {
    const result = await run(`
      const inserted = await env.DB.prepare("INSERT INTO users (email, age, photo) VALUES (?, ?, ?)")
        .bind("a@x", 30, new Uint8Array([1, 2, 255])).run();
      const first = await env.DB.prepare("SELECT * FROM users WHERE id = ?").bind(inserted.meta.last_row_id).first();
      const age = await env.DB.prepare("SELECT age FROM users WHERE email = ?").bind("a@x").first("age");
      const all = await env.DB.prepare("SELECT id, email FROM users").all();
      const raw = await env.DB.prepare("SELECT id, email FROM users").raw({ columnNames: true });
      const none = await env.DB.prepare("SELECT * FROM users WHERE id = 99").first();
      return { inserted, first, age, results: all.results, raw, none };`);
    expect(result).toMatchObject({
      inserted: {
        success: true,
        results: [],
        meta: { changes: 1, last_row_id: 1, changed_db: true, rows_written: 2, served_by: "aerostack" },
      },
      first: { id: 1, email: "a@x", age: 30, photo: [1, 2, 255] },
      age: 30,
      results: [{ id: 1, email: "a@x" }],
      raw: [
        ["id", "email"],
        [1, "a@x"],
      ],
      none: null,
    });
  });

  test("rows that another process found have the same shape", async () => {
    const long = "SELECT id, email, photo FROM users WHERE email LIKE '%x'";
    expect(
      await run(`
        const all = await env.DB.prepare(${JSON.stringify(long)}).all();
        const ran = await env.DB.prepare("UPDATE users SET email = email || '' RETURNING id, email").run();
        const batch = await env.DB.batch([env.DB.prepare(${JSON.stringify(long)}), env.DB.prepare("SELECT 1 AS one")]);
        return { all: all.results, meta: all.meta, ran: ran.results, batch: batch.map(({ results }) => results) };`),
    ).toMatchObject({
      all: [{ id: 1, email: "a@x", photo: [1, 2, 255] }],
      meta: { changes: 0, changed_db: false, served_by: "aerostack" },
      ran: [{ id: 1, email: "a@x" }],
      batch: [[{ id: 1, email: "a@x", photo: [1, 2, 255] }], [{ one: 1 }]],
    });
  });

  test.each([
    ["SELECT * FROM nope", "D1_ERROR: no such table: nope: SQLITE_ERROR"],
    ["SELECT * FROM nope WHERE a LIKE 'x'", "D1_ERROR: no such table: nope: SQLITE_ERROR"],
    [
      "INSERT INTO users (email) VALUES ('a@x')",
      "D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)",
    ],
    [
      "INSERT INTO users (email) SELECT email FROM users",
      "D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)",
    ],
  ])("%s fails as on D1", async (text, message) => {
    expect(await failure(`await env.DB.prepare(${JSON.stringify(text)}).all()`)).toBe(message);
  });

  test("a batch is atomic", async () => {
    const message = await failure(`await env.DB.batch([
      env.DB.prepare("INSERT INTO users (email) VALUES ('batch@x')"), env.DB.prepare("INSERT INTO users (email) VALUES ('a@x')")])`);
    expect(message).toContain("UNIQUE constraint failed");
    expect(
      await run(`return env.DB.prepare("SELECT count(*) AS n FROM users WHERE email = 'batch@x'").first("n")`),
    ).toBe(0);
  });

  test("numbers are bound as D1 binds them", async () => {
    expect(await run(`return env.DB.prepare("SELECT typeof(?) AS t, ? / 2 AS half").bind(1, 1).first()`)).toEqual({
      t: "real",
      half: 0.5,
    });
  });

  test("a session's bookmark grows with each write", async () => {
    const [first, second, later] = await run<string[]>(`
      const session = env.DB.withSession();
      await session.prepare("INSERT INTO users (age) VALUES (1)").run();
      const first = session.getBookmark();
      await session.prepare("INSERT INTO users (age) VALUES (2)").run();
      const second = session.getBookmark();
      const later = env.DB.withSession(second);
      const { n } = await later.prepare("SELECT count(*) AS n FROM users WHERE age IN (1, 2)").first();
      return [first, second, later.getBookmark(), n];`);
    expect(first && second && first < second).toBe(true);
    expect(later).toBe(second);
  });

  test("a transaction reads, decides and writes, and is undone when its callback throws", async () => {
    expect(
      await run(`
        await env.DB.exec("CREATE TABLE counters (id INTEGER PRIMARY KEY, n INT)");
        await env.DB.exec("INSERT INTO counters VALUES (1, 5)");
        const given = await env.DB.transaction(async (tx) => {
          const n = await tx.prepare("SELECT n FROM counters WHERE id = ?").bind(1).first("n");
          await tx.prepare("UPDATE counters SET n = ? WHERE id = 1").bind(n * 2).run();
          return n;
        });
        const thrown = await env.DB.transaction(async (tx) => {
          await tx.exec("DELETE FROM counters");
          throw new Error("changed my mind");
        }).catch((error) => error.message);
        return { given, thrown, left: await env.DB.prepare("SELECT n FROM counters").first("n") };`),
    ).toEqual({ given: 5, thrown: "changed my mind", left: 10 });
  });

  test("concurrent transactions come one after the other: no update is lost", async () => {
    expect(
      await run(`
        await env.DB.exec("CREATE TABLE lost (n INT)");
        await env.DB.exec("INSERT INTO lost VALUES (0)");
        await Promise.all(Array.from({ length: 10 }, () => env.DB.transaction(async (tx) => {
          const n = await tx.prepare("SELECT n FROM lost").first("n");
          await tx.prepare("UPDATE lost SET n = ?").bind(n + 1).run();
        })));
        return env.DB.prepare("SELECT n FROM lost").first("n");`),
    ).toBe(10);
  });

  test("a query that does not end fails with the platform's code, and the next one works", async () => {
    expect(await failure(`await env.DB.prepare(${JSON.stringify(RUNAWAY_READ)}).first()`)).toMatch(
      /^D1_ERROR: DB_QUERY_TIMEOUT/,
    );
    expect(await run(`return env.DB.prepare("SELECT 1 AS one").first("one")`)).toBe(1);
  });

  test("dump() is a SQLite file", async () => {
    const head = await run(`return new TextDecoder().decode((await env.DB.dump()).slice(0, 15))`);
    expect(head).toBe("SQLite format 3");
  });

  test("what a Worker wrote is in its own project's database only", async () => {
    const own = await sql.query("SELECT count(*) > 0 FROM users", [], { projectId: TEST_PROJECT });
    expect(own.rows).toEqual([[1]]);
    expect(await failure(`await env.OTHER.prepare("SELECT * FROM users").all()`)).toContain("no such table");
  });
});
