import { AerostackError } from "@aerostack/contracts/errors";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createD1BindingHandler } from "./d1-binding.ts";
import { type D1WorkerdUnderTest, startD1Workerd } from "./d1-workerd-test-support.ts";
import { createTestEngine, type TestEngine } from "./test-engine.ts";

describe("D1 binding in workerd", () => {
  let engine: TestEngine;
  let workerd: D1WorkerdUnderTest;
  const defects: unknown[] = [];
  const run = <T>(body: string, input?: unknown): Promise<T> => workerd.run<T>(body, input);

  beforeAll(async () => {
    engine = createTestEngine();
    workerd = await startD1Workerd(createD1BindingHandler({ engine }), (error) => defects.push(error));
  });
  afterAll(async () => {
    await workerd.close();
    engine.close();
  });
  beforeEach(async () => {
    await run(`
      await env.DB.exec("DROP TABLE IF EXISTS posts; DROP TABLE IF EXISTS users;");
      await env.DB.exec("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT NOT NULL DEFAULT '', data BLOB);");
      await env.DB.exec("CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id));");
      await env.DB.exec("INSERT INTO users (email, name) VALUES ('a@x', 'Ann'), ('b@x', 'Bob');");`);
  });

  describe("statements", () => {
    test("all() gives objects, with D1's meta", async () => {
      expect(
        await run(`return env.DB.prepare("SELECT id, name FROM users WHERE id >= ? ORDER BY id").bind(1).all();`),
      ).toEqual({
        success: true,
        results: [
          { id: 1, name: "Ann" },
          { id: 2, name: "Bob" },
        ],
        meta: {
          served_by: "aerostack",
          served_by_primary: true,
          duration: 0.25,
          changes: 0,
          last_row_id: 2,
          changed_db: false,
          size_after: 8192,
          rows_read: 2,
          rows_written: 0,
        },
      });
    });

    test("run() tells what it changed, and gives the rows of RETURNING", async () => {
      const result = await run<{ results: unknown[]; meta: Record<string, unknown> }>(
        `return env.DB.prepare("INSERT INTO users (email) VALUES (?) RETURNING id, email").bind("c@x").run();`,
      );
      expect(result.results).toEqual([{ id: 3, email: "c@x" }]);
      expect(result.meta).toMatchObject({ changes: 1, last_row_id: 3, changed_db: true, rows_written: 1 });
    });

    test("first() gives a row, a column, or null", async () => {
      expect(
        await run(`
          const byId = env.DB.prepare("SELECT name, email FROM users WHERE id = ?");
          return [await byId.bind(1).first(), await byId.bind(2).first("name"), await byId.bind(9).first(), await byId.bind(9).first("name")];`),
      ).toEqual([{ name: "Ann", email: "a@x" }, "Bob", null, null]);
      await expect(run(`return env.DB.prepare("SELECT 1 AS a").first("b");`)).rejects.toThrow(
        "D1_COLUMN_NOTFOUND: Column not found (b)",
      );
    });

    test("raw() keeps columns of the same name apart", async () => {
      expect(
        await run(`
          const both = env.DB.prepare("SELECT 1 AS a, 2 AS a");
          return [await both.raw(), await both.raw({ columnNames: true }), (await both.all()).results];`),
      ).toEqual([
        [[1, 2]],
        [
          ["a", "a"],
          [1, 2],
        ],
        [{ a: 2 }],
      ]);
    });

    test("a column may have any name", async () => {
      expect(
        await run(
          `return Object.entries((await env.DB.prepare('SELECT 1 AS "__proto__", 2 AS "constructor"').run()).results[0]);`,
        ),
      ).toEqual([
        ["__proto__", 1],
        ["constructor", 2],
      ]);
    });

    test("an empty result has no rows and raw() still has the column names", async () => {
      expect(
        await run(`
          const none = env.DB.prepare("SELECT id FROM users WHERE 0");
          return [(await none.all()).results, (await none.run()).results, await none.raw(), await none.raw({ columnNames: true })];`),
      ).toEqual([[], [], [], [["id"]]]);
    });

    test("each binding has its own database", async () => {
      await expect(run(`return env.OTHER.prepare("SELECT * FROM users").all();`)).rejects.toThrow(
        "no such table: users",
      );
    });
  });

  describe("values", () => {
    test("are bound with the types that D1 binds", async () => {
      expect(
        await run(`
          return env.DB.prepare("SELECT typeof(?1) AS a, typeof(?2) AS b, typeof(?3) AS c, typeof(?4) AS d, typeof(?5) AS e, ?3 AS f")
            .bind(1, "x", true, new Uint8Array([1, 2]), null).first();`),
      ).toEqual({ a: "real", b: "text", c: "real", d: "blob", e: "null", f: 1 });
    });

    test("bytes come back as a list of numbers, from every kind of buffer", async () => {
      expect(
        await run(`
          const bytes = new Uint8Array([0, 127, 255]);
          const read = async (value) => env.DB.prepare("SELECT ? AS v").bind(value).first("v");
          return [await read(bytes), await read(bytes.buffer), await read([0, 127, 255]), await read(new Uint8Array()),
            await env.DB.prepare("SELECT hex(?)").bind(new Int8Array([-1])).raw()];`),
      ).toEqual([[0, 127, 255], [0, 127, 255], [0, 127, 255], [], [["FF"]]]);
    });

    test("a row with bytes keeps its other cells", async () => {
      expect(
        await run(
          `return env.DB.prepare("SELECT NULL AS a, x'00ff' AS b, 'é😀' AS c, 1.5 AS d").all().then((r) => r.results);`,
        ),
      ).toEqual([{ a: null, b: [0, 255], c: "é😀", d: 1.5 }]);
    });

    test("integers beyond 2^53 lose their last digits and infinities are null, as in D1", async () => {
      expect(await run(`return env.DB.prepare("SELECT 9007199254740993 AS a, 1e999 AS b").first();`)).toEqual({
        a: 9007199254740992,
        b: null,
      });
    });

    test.each(["", "é😀漢字", 'a"b\\c\n\u2028', "'; DROP TABLE users; --", "x".repeat(100_000)])(
      "text comes back as it was: %j",
      async (text) => {
        expect(await run(`return env.DB.prepare("SELECT ? AS v").bind(input).first("v");`, text)).toBe(text);
      },
    );

    test.each([
      ["{}", "Type 'object' not supported for value '[object Object]'"],
      ["undefined", "Type 'undefined' not supported for value 'undefined'"],
      ["1n", "Type 'bigint' not supported for value '1'"],
    ])("%s cannot be bound", async (value, message) => {
      await expect(run(`return env.DB.prepare("SELECT ?").bind(${value}).all();`)).rejects.toThrow(
        `D1_TYPE_ERROR: ${message}`,
      );
    });

    test("a blob of the largest size is taken, a larger value is refused", async () => {
      expect(
        await run(
          `return env.DB.prepare("SELECT length(?) AS n").bind(new Uint8Array(2_000_000).fill(255)).first("n");`,
        ),
      ).toBe(2_000_000);
      await expect(run(`return env.DB.prepare("SELECT length(?)").bind("x".repeat(2_000_001)).all();`)).rejects.toThrow(
        "D1_ERROR: string or blob too big: SQLITE_TOOBIG",
      );
    });
  });

  describe("errors carry D1's wording", () => {
    test.each([
      ["SELECT * FROM nope", "no such table: nope: SQLITE_ERROR"],
      ["SELECT nope FROM users", "no such column: nope: SQLITE_ERROR"],
      ["SELEC 1", 'near "SELEC": syntax error: SQLITE_ERROR'],
      ["SELECT (1", "incomplete input: SQLITE_ERROR"],
      [
        "INSERT INTO users (email) VALUES ('a@x')",
        "UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)",
      ],
      [
        "INSERT INTO users (id) VALUES (1)",
        "UNIQUE constraint failed: users.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)",
      ],
      [
        "INSERT INTO users (name) VALUES (NULL)",
        "NOT NULL constraint failed: users.name: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_NOTNULL)",
      ],
      [
        "INSERT INTO posts (user_id) VALUES (99)",
        "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)",
      ],
      ["SELECT ?", "Wrong number of parameter bindings for SQL query."],
      ["SELECT '".padEnd(100_001, "x"), "statement too long: SQLITE_TOOBIG"],
    ])("%.50s", async (sql, message) => {
      for (const method of ["all", "run", "first", "raw"]) {
        const error = await run(`return env.DB.prepare(input.sql)[input.method]();`, { sql, method }).catch(
          (cause) => cause,
        );
        expect(error).toMatchObject({ name: "Error", message: `D1_ERROR: ${message}`, cause: message });
      }
    });

    test("too many bindings", async () => {
      await expect(run(`return env.DB.prepare("SELECT 1").bind(1).all();`)).rejects.toThrow(
        "D1_ERROR: Wrong number of parameter bindings for SQL query.",
      );
      await expect(
        run(`return env.DB.prepare("SELECT " + Array(101).fill("?")).bind(...Array(101).fill(1)).all();`),
      ).rejects.toThrow("D1_ERROR: too many SQL variables: SQLITE_ERROR");
    });

    test("where SQLite stopped reading is told when the engine knows it", async () => {
      engine.failNext(
        new AerostackError("DB_QUERY_FAILED", {
          message: 'near "x": syntax error',
          details: { sqliteCode: "SQLITE_ERROR", extendedCode: "SQLITE_ERROR", offset: 13 },
        }),
      );
      await expect(run(`return env.DB.prepare("SELECT 1").all();`)).rejects.toThrow(
        'D1_ERROR: near "x": syntax error at offset 13: SQLITE_ERROR',
      );
    });

    test.each(["DB_QUERY_TIMEOUT", "DB_STATEMENT_REFUSED", "DB_RESULT_TOO_LARGE", "DB_OVERLOADED"] as const)(
      "%s begins with its code",
      async (code) => {
        engine.failNext(new AerostackError(code, { message: "Because." }));
        await expect(run(`return env.DB.prepare("SELECT 1").all();`)).rejects.toThrow(`D1_ERROR: ${code}: Because.`);
      },
    );

    test("a defect of ours is reported, and told without its words", async () => {
      const defect = new Error("secret path /x");
      engine.failNext(defect);
      const error = await run(`return env.DB.prepare("SELECT 1").all();`).catch((cause: Error) => cause);
      expect(error).toMatchObject({ message: "D1_ERROR: INTERNAL_ERROR: Something went wrong on our side." });
      expect(defects).toContain(defect);
    });
  });

  describe("batch", () => {
    test("gives one result per statement, in order", async () => {
      expect(
        await run(`
          const results = await env.DB.batch([
            env.DB.prepare("INSERT INTO users (email) VALUES (?)").bind("c@x"),
            env.DB.prepare("SELECT count(*) AS n FROM users"),
          ]);
          return results.map(({ success, results, meta }) => [success, results, meta.changes]);`),
      ).toEqual([
        [true, [], 1],
        [true, [{ n: 3 }], 0],
      ]);
    });

    test("writes nothing when one statement fails", async () => {
      await expect(
        run(
          `return env.DB.batch([env.DB.prepare("INSERT INTO users (email) VALUES ('c@x')"), env.DB.prepare("SELECT * FROM nope")]);`,
        ),
      ).rejects.toThrow("D1_ERROR: no such table: nope: SQLITE_ERROR");
      expect(await run(`return env.DB.prepare("SELECT count(*) AS n FROM users").first("n");`)).toBe(2);
    });

    test("of nothing, or of too much, is refused", async () => {
      await expect(run(`return env.DB.batch([]);`)).rejects.toThrow("D1_ERROR: No SQL statements detected.");
      await expect(run(`return env.DB.batch(Array(1001).fill(env.DB.prepare("SELECT 1")));`)).rejects.toThrow(
        "D1_ERROR: REQUEST_MALFORMED: A batch has at most 1000 statements.",
      );
    });
  });

  describe("exec", () => {
    const exec = (sql: string) => run<{ count: number; duration: number }>(`return env.DB.exec(input);`, sql);
    const countUsers = () => run<number>(`return env.DB.prepare("SELECT count(*) AS n FROM users").first("n");`);

    test.each([
      ["one statement", "INSERT INTO users DEFAULT VALUES", 1],
      ["several on a line", "INSERT INTO users DEFAULT VALUES; INSERT INTO users DEFAULT VALUES;", 2],
      ["a line each, without semicolons", "INSERT INTO users DEFAULT VALUES\nINSERT INTO users DEFAULT VALUES", 2],
      ["a statement over several lines", "INSERT INTO users\n  (email)\nVALUES\n  ('c@x')", 1],
      [
        "comments and empty lines",
        "-- first\nINSERT INTO users DEFAULT VALUES;\n\n-- second\nINSERT INTO users DEFAULT VALUES;\n",
        2,
      ],
    ])("takes %s", async (_, sql, count) => {
      const before = await countUsers();
      expect(await exec(sql)).toEqual({ count, duration: expect.any(Number) });
      expect((await countUsers()) - before).toBe(count);
    });

    test("takes a trigger", async () => {
      await exec(
        "CREATE TRIGGER copy AFTER INSERT ON users BEGIN\n  UPDATE users SET name = 'new' WHERE id = NEW.id;\nEND;",
      );
      await exec("INSERT INTO users DEFAULT VALUES");
      expect(await run(`return env.DB.prepare("SELECT name FROM users ORDER BY id DESC").first("name");`)).toBe("new");
    });

    test("a line that means something else alone does not run alone", async () => {
      await exec("DELETE FROM users\nWHERE id = 1");
      expect(await countUsers()).toBe(1);
    });

    test("names the line that failed where the engine knows it, the first line otherwise", async () => {
      await expect(exec("SELECT 1;\nSELECT * FROM nope;")).rejects.toThrow(
        "D1_EXEC_ERROR: Error in line 1: SELECT 1;: no such table: nope: SQLITE_ERROR",
      );
      engine.failNext(
        new AerostackError("DB_QUERY_FAILED", {
          message: "no such table: nope",
          details: { sqliteCode: "SQLITE_ERROR", extendedCode: "SQLITE_ERROR", line: 2 },
        }),
      );
      await expect(exec("SELECT 1;\nSELECT * FROM nope;")).rejects.toThrow(
        "D1_EXEC_ERROR: Error in line 2: SELECT * FROM nope;: no such table: nope: SQLITE_ERROR",
      );
      await expect(exec("")).rejects.toThrow("D1_EXEC_ERROR: Error in line 1: : No SQL statements detected.");
    });

    test("a defect of ours is answered as an error of exec too", async () => {
      engine.failNext(new Error("secret"));
      await expect(exec("SELECT 1")).rejects.toThrow("INTERNAL_ERROR: Something went wrong on our side.");
    });
  });

  test("dump() gives a SQLite file", async () => {
    const head = await run<number[]>(`return [...new Uint8Array(await env.DB.dump())].slice(0, 15);`);
    expect(Buffer.from(head).toString()).toBe("SQLite format 3");
  });

  describe("sessions", () => {
    test.each([
      "",
      "first-primary",
      "first-unconstrained",
      "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683",
    ])("begin with %j", async (constraint) => {
      expect(
        await run(
          `
            const session = env.DB.withSession(input);
            return (await session.prepare("SELECT name FROM users WHERE id = 1").first("name"));`,
          constraint,
        ),
      ).toBe("Ann");
    });

    test("the bookmark rises with each commit, and stays over reads", async () => {
      const bookmarks = await run<string[]>(`
        const session = env.DB.withSession("first-primary");
        const seen = [session.getBookmark()];
        const read = session.prepare("SELECT 1");
        await read.all();
        seen.push(session.getBookmark());
        for (let i = 0; i < 12; i++) {
          await session.prepare("INSERT INTO users DEFAULT VALUES").run();
          seen.push(session.getBookmark());
        }
        await session.batch([session.prepare("INSERT INTO users DEFAULT VALUES"), read]);
        seen.push(session.getBookmark());
        await read.all();
        seen.push(session.getBookmark());
        return seen;`);
      expect(bookmarks.shift()).toBeNull();
      const rising = bookmarks.slice(0, -1);
      expect(new Set(rising).size).toBe(14);
      expect([...rising].sort((a, b) => a.localeCompare(b))).toEqual(rising);
      expect(bookmarks.at(-1)).toBe(rising.at(-1));
    });

    test("a later session goes on from a bookmark", async () => {
      expect(
        await run(`
          const first = env.DB.withSession();
          await first.prepare("INSERT INTO users (name) VALUES ('late')").run();
          const second = env.DB.withSession(first.getBookmark());
          return second.prepare("SELECT name FROM users ORDER BY id DESC").first("name");`),
      ).toBe("late");
    });
  });
});
