import { createHash } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import { splitStatements } from "@aerostack/datahost";
import { createManualClock } from "@aerostack/kernel";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { expectWithin } from "../../../../e2e/harness/expect-within.ts";
import { startTestDatabases } from "./data-host-testing.ts";
import { createMigrations, type Migrations } from "./migrations.ts";
import type { DatabaseAddress } from "./service.ts";

const APPLY = { dryRun: false, acceptDrift: false };
const ITEMS = { name: "0001_items.sql", sql: "CREATE TABLE items (id INTEGER PRIMARY KEY, title TEXT);\n" };
const DONE = { name: "0002_done.sql", sql: "ALTER TABLE items ADD COLUMN done INTEGER;\n" };

let test: Awaited<ReturnType<typeof startTestDatabases>>;
let migrations: Migrations;
let address: DatabaseAddress;
let serial = 0;

beforeAll(async () => {
  test = await startTestDatabases();
  migrations = createMigrations({
    databases: test.databases,
    clock: createManualClock(Date.UTC(2026, 5, 1)),
    splitStatements: (text) => splitStatements(text).map(({ sql }) => sql),
  });
});
beforeEach(() => {
  serial++;
  address = { projectId: `prj_${serial}`, database: "main" };
});
afterAll(() => test.close());

async function run(sql: string): Promise<unknown[][]> {
  return (await test.databases.query(address, { sql }, "full")).rows as unknown[][];
}

async function failureOf(work: Promise<unknown>): Promise<AerostackError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof AerostackError)) throw new Error(`no refusal: ${String(outcome)}`);
  return outcome;
}

describe("migrations", () => {
  it("are applied once, in the order of their names, with the checksum of their content", async () => {
    const { applied } = await migrations.apply(address, [DONE, ITEMS], APPLY);
    expect(applied.map(({ name }) => name)).toEqual([ITEMS.name, DONE.name]);
    expect(applied[0]).toMatchObject({
      checksum: createHash("sha256").update(ITEMS.sql).digest("hex"),
      appliedAt: Date.UTC(2026, 5, 1),
    });
    await migrations.apply(address, [ITEMS, DONE], APPLY);
    expect(await run("SELECT name FROM pragma_table_info('items')")).toEqual([["id"], ["title"], ["done"]]);
  });

  it("show what they would do and do nothing with dryRun", async () => {
    const { pending } = await migrations.apply(address, [ITEMS, DONE], { ...APPLY, dryRun: true });
    expect(pending).toEqual([ITEMS.name, DONE.name]);
    expect(await run("SELECT name FROM sqlite_schema WHERE name = 'items'")).toEqual([]);
  });

  it("that fail leave nothing behind and name the file; those before it stay", async () => {
    const broken = { name: "0002_broken.sql", sql: "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nDROP TABLE nope;" };
    const error = await failureOf(migrations.apply(address, [ITEMS, broken], APPLY));
    expect(error).toMatchObject({ code: "DB_QUERY_FAILED", details: { name: broken.name } });
    expect(error.message).toContain("no such table: nope");
    expect(await run("SELECT name FROM sqlite_schema WHERE name IN ('items', 'a')")).toEqual([["items"]]);
    expect((await migrations.state(address)).applied.map(({ name }) => name)).toEqual([ITEMS.name]);
  });

  it("cannot write what the platform keeps in the database", async () => {
    const forged = { name: "0001.sql", sql: "DELETE FROM aerostack_migrations" };
    expect(await failureOf(migrations.apply(address, [forged], APPLY))).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
  });

  it("applied twice at the same time are applied once", async () => {
    await migrations.state(address);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => migrations.apply(address, [ITEMS], APPLY)));
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "CONFLICT" });
    }
    expect((await migrations.state(address)).applied).toHaveLength(1);
  });
});

describe("drift", () => {
  it("of a file that was changed after it was applied is refused with the lines that differ", async () => {
    const before = { name: "0001.sql", sql: "CREATE TABLE a (x);\nCREATE TABLE b (y);\n" };
    await migrations.apply(address, [before], APPLY);
    const after = { ...before, sql: "CREATE TABLE a (x);\nCREATE TABLE b (z);\n" };
    const error = await failureOf(migrations.apply(address, [after, ITEMS], APPLY));
    expect(error).toMatchObject({ code: "DB_MIGRATION_DRIFT", status: 409 });
    expect(error.details?.diff).toBe(
      [
        "--- 0001.sql (applied)",
        "+++ 0001.sql (given)",
        "@@ -1,2 +1,2 @@",
        " CREATE TABLE a (x);",
        "-CREATE TABLE b (y);",
        "+CREATE TABLE b (z);",
        "",
      ].join("\n"),
    );
    expect(error.fix).toContain("Put the file back");
    expect(await run("SELECT name FROM sqlite_schema WHERE name = 'items'")).toEqual([]);
  });

  it("of a table that something else changed is refused with what was found, and taken over when asked", async () => {
    await migrations.apply(address, [ITEMS], APPLY);
    await run("ALTER TABLE items ADD COLUMN price REAL");
    const error = await failureOf(migrations.apply(address, [ITEMS, DONE], APPLY));
    expect(error).toMatchObject({ code: "DB_MIGRATION_DRIFT", details: { objects: ["table items"] } });
    expect(error.details?.diff).toBe(
      [
        "--- table items (by migrations)",
        "+++ table items (found)",
        "@@ -1,4 +1,5 @@",
        " CREATE TABLE items (",
        "   id INTEGER PRIMARY KEY,",
        "-  title TEXT",
        "+  title TEXT,",
        "+  price REAL",
        " );",
        "",
      ].join("\n"),
    );
    expect((await migrations.state(address)).drift).toBe(error.details?.diff);
    await migrations.apply(address, [ITEMS, DONE], { ...APPLY, acceptDrift: true });
    expect((await migrations.state(address)).drift).toBeNull();
    expect(await run("SELECT name FROM pragma_table_info('items')")).toEqual([["id"], ["title"], ["price"], ["done"]]);
  });

  it("of a table that something else removed is refused", async () => {
    await migrations.apply(address, [ITEMS], APPLY);
    await run("DROP TABLE items");
    const { drift } = await migrations.apply(address, [ITEMS], { ...APPLY, dryRun: true });
    expect(drift).toContain("-CREATE TABLE items (");
    expect(await failureOf(migrations.apply(address, [ITEMS], APPLY))).toMatchObject({ details: { diff: drift } });
  });

  it("is not what functions make for themselves, before or after", async () => {
    await run("CREATE TABLE own (a)");
    await migrations.apply(address, [ITEMS], APPLY);
    await run("DROP TABLE own");
    await run("CREATE TABLE other (a)");
    await run("CREATE INDEX other_a ON other (a)");
    await migrations.apply(address, [ITEMS, DONE], APPLY);
    expect((await migrations.state(address)).drift).toBeNull();
  });

  it("is found against the last of several changes, also of indexes and removed tables", async () => {
    const files = [
      ITEMS,
      { name: "0002.sql", sql: "CREATE INDEX by_title ON items (title); CREATE TABLE gone (a);" },
      { name: "0003.sql", sql: "DROP TABLE gone; ALTER TABLE items RENAME COLUMN title TO name;" },
    ];
    await migrations.apply(address, files, APPLY);
    await migrations.apply(address, files, APPLY);
    await run("CREATE TABLE gone (b)");
    await migrations.apply(address, files, APPLY);
    await run("DROP INDEX by_title");
    const error = await failureOf(migrations.apply(address, files, APPLY));
    expect(error.details?.objects).toEqual(["index by_title"]);
  });

  it("says which applied files are not given", async () => {
    await migrations.apply(address, [ITEMS, DONE], APPLY);
    expect((await migrations.apply(address, [DONE], APPLY)).missing).toEqual([ITEMS.name]);
  });

  it("is known of databases whose migrations an older server noted", async () => {
    await test.databases.query(
      address,
      { sql: "CREATE TABLE aerostack_migrations (name TEXT PRIMARY KEY, checksum TEXT, sql TEXT, applied_at INTEGER)" },
      "platform",
    );
    await test.databases.query(
      address,
      { sql: "INSERT INTO aerostack_migrations VALUES ('0000.sql', 'x', 'SELECT 1', 5)" },
      "platform",
    );
    const { applied } = await migrations.apply(address, [ITEMS], APPLY);
    expect(applied.map(({ name }) => name)).toEqual(["0000.sql", ITEMS.name]);
  });

  it("of two texts without a line in common is shown in bounded time and length", async () => {
    const text = (word: string) => Array.from({ length: 40_000 }, (_, n) => `-- ${word} ${n}\n`).join("");
    const before = { name: "0001.sql", sql: `${text("a")}CREATE TABLE t (x);` };
    await migrations.apply(address, [before], APPLY);
    const startedAt = performance.now();
    const error = await failureOf(
      migrations.apply(address, [{ ...before, sql: `${text("b")}CREATE TABLE t (x);` }], APPLY),
    );
    expect(String(error.details?.diff).length).toBeLessThan(21_000);
    expectWithin(performance.now() - startedAt, 2_000);
  });
});
