import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type SqlUnderTest, startSql, until } from "../sql/sql-test-support.ts";
import { createSeededRandom } from "../state/seeded-random-test-support.ts";
import { type RowChange, readChangeSet } from "./change-set.ts";

const SCOPE = { projectId: "prj_a", database: "main" };

let sql: SqlUnderTest;

const watch = (...tables: string[]) => sql.call("changes.watch", { ...SCOPE, tables, after: null });
const told = (): RowChange[] => sql.told.flatMap(({ body }) => readChangeSet(body).changes);
/** Table, operation, and rows as lists: short to compare. */
const shortly = () =>
  told().map(({ table, operation, row, old }) => [
    table,
    operation,
    row === null ? null : Object.values(row),
    old === null ? null : Object.values(old),
  ]);

beforeEach(async () => {
  sql = startSql();
  await sql.query("CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT UNIQUE, done INT)");
});

afterEach(async () => {
  expect(sql.defects).toEqual([]);
  await sql.close();
});

describe("a watched table", () => {
  test("tells of every row that is inserted, changed and deleted, with what it was, in order", async () => {
    await watch("todos");
    await sql.query("INSERT INTO todos (title, done) VALUES ('a', 0), ('b', 0)");
    await sql.query("UPDATE todos SET done = ? WHERE id = ?", [1, 2]);
    await sql.query("DELETE FROM todos WHERE id = 1");
    expect(told()).toEqual([
      { table: "todos", operation: "INSERT", row: { id: 1, title: "a", done: 0 }, old: null },
      { table: "todos", operation: "INSERT", row: { id: 2, title: "b", done: 0 }, old: null },
      {
        table: "todos",
        operation: "UPDATE",
        row: { id: 2, title: "b", done: 1 },
        old: { id: 2, title: "b", done: 0 },
      },
      { table: "todos", operation: "DELETE", row: null, old: { id: 1, title: "a", done: 0 } },
    ]);
    const numbers = sql.told.map(({ seq }) => seq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  test("tells before the write is answered, and of nothing that was written before it was watched", async () => {
    await sql.query("INSERT INTO todos (title) VALUES ('before')");
    await watch("todos");
    for (let at = 0; at < 5; at++) {
      await sql.query("INSERT INTO todos (title) VALUES (?)", [`t${at}`]);
      expect(told()).toHaveLength(at + 1);
    }
  });

  test("costs its writes neither their place in the host's process nor their counts", async () => {
    await watch("todos");
    const before = sql.services.stats();
    const written = await sql.query("INSERT INTO todos (title) VALUES ('a')");
    const changes: number[] = [];
    for (const text of [
      "UPDATE todos SET title = 'b', done = done + 1 WHERE id = 1",
      "INSERT INTO todos (title) VALUES ('c'), ('d')",
      "INSERT OR REPLACE INTO todos VALUES (1, 'c', 1)",
      "INSERT INTO todos (title) VALUES ('d') ON CONFLICT (title) DO UPDATE SET done = excluded.done",
      "DELETE FROM todos WHERE id = 1",
    ]) {
      changes.push((await sql.query(text)).meta.changes);
    }
    expect(written.meta).toMatchObject({ changes: 1, lastRowId: 1 });
    expect(changes).toEqual([1, 2, 1, 1, 1]);
    const after = sql.services.stats();
    expect(after.inlineStatements - before.inlineStatements).toBe(6);
    expect(after.childStatements).toBe(before.childStatements);
  });

  test("tells of values of every kind, and of computed columns", async () => {
    await sql.query('CREATE TABLE v (a, b, c, d, "odd ""name", twice AS (b * 2))');
    await watch("v");
    await sql.query("INSERT INTO v VALUES (?, ?, ?, ?, ?)", ["é\u0000z", 1.5, { $bytes: "AP8=" }, null, 7]);
    expect(told()[0]?.row).toEqual({ a: "é\u0000z", b: 1.5, c: { $bytes: "AP8=" }, d: null, 'odd "name': 7, twice: 3 });
  });

  test("tells of a table with more columns than a function takes arguments", async () => {
    const columns = Array.from({ length: 900 }, (_, at) => `c${at}`);
    await sql.query(`CREATE TABLE wide (${columns.join(", ")})`);
    await watch("wide");
    await sql.query("INSERT INTO wide (c0, c899) VALUES (1, 2)");
    await sql.query("UPDATE wide SET c500 = 3");
    const [inserted, updated] = told();
    expect(Object.keys(inserted?.row ?? {})).toEqual(columns);
    expect([updated?.row?.c0, updated?.row?.c500, updated?.old?.c500, updated?.row?.c899]).toEqual([1, 3, null, 2]);
  });

  test("is watched by a name in other letters, and once it is made", async () => {
    await watch("TODOS", "later");
    await sql.query("INSERT INTO todos (title) VALUES ('a')");
    await sql.query("CREATE TABLE later (x)");
    await sql.query("INSERT INTO later VALUES (1)");
    expect(told().map(({ table }) => table)).toEqual(["todos", "later"]);
  });

  test("is told of with the columns it has after it was altered, renamed ones and new ones", async () => {
    await watch("todos");
    await sql.query("ALTER TABLE todos ADD COLUMN note TEXT DEFAULT 'n'; INSERT INTO todos (title) VALUES ('a')");
    await sql.query("ALTER TABLE todos DROP COLUMN done");
    await sql.query("ALTER TABLE todos RENAME COLUMN note TO remark");
    await sql.query("INSERT INTO todos (title) VALUES ('b')");
    expect(told().map(({ row }) => row)).toEqual([
      { id: 1, title: "a", done: null, note: "n" },
      { id: 2, title: "b", remark: "n" },
    ]);
  });

  test("that is dropped and made anew is watched still", async () => {
    await watch("todos");
    await sql.query("DROP TABLE todos");
    await sql.query("CREATE TABLE todos (id INTEGER PRIMARY KEY, other)");
    await sql.query("INSERT INTO todos (other) VALUES (1)");
    expect(told().map(({ row }) => row)).toEqual([{ id: 1, other: 1 }]);
  });

  test("tells nothing any more once nobody watches it, and again when somebody does", async () => {
    await watch("todos");
    await watch();
    await sql.query("INSERT INTO todos (title) VALUES ('unheard')");
    await watch("todos");
    await sql.query("INSERT INTO todos (title) VALUES ('heard')");
    expect(told().map(({ row }) => row?.title)).toEqual(["heard"]);
  });
});

describe("what is not committed", () => {
  beforeEach(() => watch("todos"));

  test("is not told: a statement that fails, a batch with one that fails, a transaction that is rolled back", async () => {
    await sql.query("INSERT INTO todos (title) VALUES ('a')");
    await expect(sql.query("INSERT INTO todos (title) VALUES ('x'), ('a')")).rejects.toThrow("UNIQUE");
    const statements = [
      { sql: "INSERT INTO todos (title) VALUES ('y')" },
      { sql: "INSERT INTO todos (title) VALUES ('a')" },
    ];
    await expect(sql.call("db.batch", { ...SCOPE, statements, atomic: true })).rejects.toThrow("UNIQUE");
    const { transactionId } = await sql.call("tx.begin", SCOPE);
    await sql.call("tx.query", { transactionId, sql: "INSERT INTO todos (title) VALUES ('z')" });
    await sql.call("tx.rollback", { transactionId });
    await sql.query("INSERT INTO todos (title) VALUES ('b')");
    expect(told().map(({ row }) => row?.title)).toEqual(["a", "b"]);
  });

  test("is told of as little when others were committed with it", async () => {
    const titles = ["a", "b", "a", "c", "b", "d"];
    await Promise.allSettled(titles.map((title) => sql.query("INSERT INTO todos (title) VALUES (?)", [title])));
    expect(told().map(({ row }) => row?.title)).toEqual(["a", "b", "c", "d"]);
  });

  test("does not hide what OR FAIL keeps, nor show what OR IGNORE left out", async () => {
    await expect(sql.query("INSERT OR FAIL INTO todos (title) VALUES ('a'), ('b'), ('a')")).rejects.toThrow("UNIQUE");
    await expect(sql.query("INSERT OR ABORT INTO todos (title) VALUES ('x'), ('a')")).rejects.toThrow("UNIQUE");
    await sql.query("INSERT OR IGNORE INTO todos (title) VALUES ('b'), ('c')");
    expect((await sql.query("SELECT title FROM todos")).rows.flat()).toEqual(["a", "b", "c"]);
    expect(told().map(({ row }) => row?.title)).toEqual(["a", "b", "c"]);
  });

  test("within a transaction is told of at its commit, without the statements that failed", async () => {
    const { transactionId } = await sql.call("tx.begin", SCOPE);
    const run = (text: string) => sql.call("tx.query", { transactionId, sql: text });
    await run("INSERT INTO todos (title) VALUES ('a')");
    await expect(run("INSERT INTO todos (title) VALUES ('q'), ('a')")).rejects.toThrow("UNIQUE");
    await run("UPDATE todos SET done = 1");
    expect(sql.told).toEqual([]);
    await sql.call("tx.commit", { transactionId });
    await until(() => sql.told.length > 0);
    expect(shortly()).toEqual([
      ["todos", "INSERT", [1, "a", null], null],
      ["todos", "UPDATE", [1, "a", 1], [1, "a", null]],
    ]);
  });
});

describe("rows that are changed by the way", () => {
  test("are told: by triggers, by foreign keys, and those that a REPLACE puts out of the way", async () => {
    await watch("todos", "parent", "child", "audit");
    await sql.query("INSERT INTO todos VALUES (1, 'a', 0), (2, 'b', 0)");
    await sql.query("INSERT OR REPLACE INTO todos VALUES (1, 'b', 1)");
    expect(shortly().slice(2)).toEqual([
      ["todos", "DELETE", null, [1, "a", 0]],
      ["todos", "DELETE", null, [2, "b", 0]],
      ["todos", "INSERT", [1, "b", 1], null],
    ]);
    sql.told.length = 0;
    await sql.query("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
    await sql.query("CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE)");
    await sql.query("CREATE TABLE audit (what)");
    await sql.query("CREATE TRIGGER tr AFTER DELETE ON child BEGIN INSERT INTO audit VALUES (old.id); END");
    await sql.query("INSERT INTO parent VALUES (1); INSERT INTO child VALUES (5, 1)");
    await sql.query("DELETE FROM parent");
    expect(
      shortly()
        .map(([table, operation]) => `${operation} ${table}`)
        .sort(),
    ).toEqual(["DELETE child", "DELETE parent", "INSERT audit", "INSERT child", "INSERT parent"]);
  });

  test("are told when a statement runs in another process, and when a text is imported", async () => {
    await watch("todos");
    await sql.query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO todos SELECT i, 't' || i, 0 FROM n",
    );
    expect(told()).toHaveLength(5_000);
    await sql.query("UPDATE todos SET done = 1");
    await until(() => told().length === 10_000);
    expect(sql.told.every(({ body }) => body.length < 600_000)).toBe(true);
    const { importId } = await sql.call("db.import.open", SCOPE);
    await sql.call("db.import.chunk", {
      importId,
      text: "CREATE TABLE o (x); INSERT INTO todos (title) VALUES ('imp');",
    });
    await sql.call("db.import.commit", { importId });
    await until(() => told().length === 10_001);
    expect(told().at(-1)?.row?.title).toBe("imp");
  });

  test("are told with every table once, in a transaction that changes the schema too", async () => {
    await watch("todos", "t2");
    const statements = [
      { sql: "INSERT INTO todos (title) VALUES ('a')" },
      { sql: "CREATE TABLE t2 (x)" },
      { sql: "INSERT INTO t2 VALUES (1)" },
      { sql: "ALTER TABLE todos DROP COLUMN done" },
      { sql: "INSERT INTO todos (title) VALUES ('b')" },
    ];
    await sql.call("db.batch", { ...SCOPE, statements, atomic: true });
    expect(told().map(({ row }) => row)).toEqual([{ id: 1, title: "a", done: null }, { x: 1 }, { id: 2, title: "b" }]);
  });

  test("beyond what one transaction may tell of are named by their table alone", async () => {
    await watch("todos");
    await sql.query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO todos SELECT i, 't' || i, 0 FROM n",
    );
    expect(sql.told.map(({ body }) => readChangeSet(body))).toEqual([{ changes: [], untold: ["todos"] }]);
  });
});

describe("the log of changes", () => {
  test("is not there in a database that nobody watched, and nobody's SQL reads or writes it", async () => {
    const file = () => sql.readAllBytes().length;
    const before = file();
    await sql.query("INSERT INTO todos (title) VALUES ('a')");
    expect(sql.told).toEqual([]);
    expect(file()).toBeGreaterThan(before);
    await watch("todos");
    await sql.query("INSERT INTO todos (title) VALUES ('b')");
    for (const text of [
      "SELECT * FROM _cf_aero_changes",
      "DELETE FROM _cf_aero_changes",
      "DROP TABLE _cf_aero_changes",
      "CREATE TRIGGER _cf_aero_watch_9 AFTER INSERT ON todos BEGIN SELECT 1; END",
      "SELECT _cf_aero_change(0, 0, 1, 1, 'forged', 1)",
      "DROP TRIGGER _cf_aero_watch_0_0",
    ]) {
      await expect(sql.query(text), text).rejects.toMatchObject({ code: "DB_STATEMENT_REFUSED" });
    }
    const { exportId } = await sql.call("db.export.open", SCOPE);
    const { text } = await sql.call("db.export.next", { exportId });
    expect(text).not.toContain("_cf_");
    expect(told().map(({ row }) => row?.title)).toEqual(["b"]);
  });

  test("tells after a restart what was not heard of, and what was not", async () => {
    await watch("todos");
    for (const title of ["a", "b", "c"]) await sql.query("INSERT INTO todos (title) VALUES (?)", [title]);
    const [first] = sql.told;
    sql.told.length = 0;
    await sql.reopen([{ ...SCOPE, tables: ["todos"], after: first?.seq ?? 0 }]);
    await until(() => sql.told.length === 2);
    expect(told().map(({ row }) => row?.title)).toEqual(["b", "c"]);
    await sql.query("INSERT INTO todos (title) VALUES ('d')");
    expect(told().map(({ row }) => row?.title)).toEqual(["b", "c", "d"]);
  });

  test("keeps no more than what was not acknowledged", async () => {
    await watch("todos");
    const sizes: number[] = [];
    for (let at = 0; at < 400; at++) {
      await sql.query("INSERT OR REPLACE INTO todos VALUES (1, ?, 0)", ["x".repeat(1_000)]);
      await sql.call("changes.ack", { ...SCOPE, seq: sql.told.at(-1)?.seq ?? 0 });
      if (at % 200 === 199) sizes.push((await sql.query("SELECT 1")).meta.sizeAfterBytes);
    }
    expect(sizes[1]).toBe(sizes[0]);
  });
});

test("whatever is done to a table, its changes make a copy of it", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = createSeededRandom(seed);
    const table = `p${seed}`;
    await sql.query(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, u UNIQUE, n INT CHECK (n < 9))`);
    await watch(table);
    sql.told.length = 0;
    const id = () => random.integer(12);
    const write = () =>
      random.pick([
        () => `INSERT INTO ${table} VALUES (${id()}, ${id()}, ${id()})`,
        () => `INSERT OR REPLACE INTO ${table} VALUES (${id()}, ${id()}, 1)`,
        () => `INSERT OR IGNORE INTO ${table} VALUES (${id()}, ${id()}, 2), (${id()}, ${id()}, 3)`,
        () => `INSERT OR FAIL INTO ${table} VALUES (${id()}, ${id()}, 2), (${id()}, ${id()}, 3)`,
        () => `INSERT INTO ${table} VALUES (${id()}, ${id()}, 4) ON CONFLICT (id) DO UPDATE SET n = excluded.n`,
        () => `UPDATE ${table} SET n = n + 1 WHERE id = ${id()}`,
        () => `UPDATE OR REPLACE ${table} SET u = ${id()}, id = ${id()} WHERE id = ${id()}`,
        () => `UPDATE ${table} SET n = n + 1`,
        () => `DELETE FROM ${table} WHERE id = ${id()}`,
        () => `DELETE FROM ${table} WHERE n > ${id()}`,
      ])();
    for (let step = 0; step < 40; step++) {
      if (random.chance(0.2)) {
        const statements = [write(), write(), write()].map((text) => ({ sql: text }));
        await sql.call("db.batch", { ...SCOPE, statements, atomic: true }).catch(() => {});
      } else await Promise.allSettled([sql.query(write()), sql.query(write())]);
    }
    const { rows } = await sql.query(`SELECT id, u, n FROM ${table} ORDER BY id`);
    const copy = new Map<unknown, unknown[]>();
    for (const { row, old } of told()) {
      if (old !== null) {
        expect(copy.get(old.id), `seed ${seed}`).toEqual(Object.values(old));
        copy.delete(old.id);
      }
      if (row !== null) copy.set(row.id, Object.values(row));
    }
    expect(
      [...copy.values()].sort((a, b) => Number(a[0]) - Number(b[0])),
      `seed ${seed}`,
    ).toEqual(rows);
  }
});
