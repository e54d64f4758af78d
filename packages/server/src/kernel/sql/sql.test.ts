import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql as raw } from "kysely";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SqliteOpenError } from "./encrypted-file.ts";
import { migrate, type SqlMigrations } from "./migrate.ts";
import { openSqlite } from "./open-sqlite.ts";
import { openSqliteInThread } from "./open-sqlite-in-thread.ts";
import type { Sql } from "./sql.ts";
import { describeEachDialect } from "./testing.ts";
import { isUniqueViolation } from "./transaction.ts";

interface Tables {
  items: { id: string; name: string | null; size: number; flag: number };
}

const migrations: SqlMigrations = {
  "0001-items": {
    async up(db, types) {
      await db.schema
        .createTable("items")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("name", types.text)
        .addColumn("size", types.integer, (column) => column.notNull())
        .addColumn("flag", types.integer, (column) => column.notNull())
        .execute();
    },
  },
};

describeEachDialect(
  "sql",
  (openDatabase) => {
    async function open(): Promise<Sql<Tables>> {
      const sql = await openDatabase();
      await migrate(sql, "test", migrations);
      return sql.withTables<Tables>();
    }

    it("runs each migration once, and keeps sets apart", async () => {
      const sql = await openDatabase();
      expect(await migrate(sql, "test", migrations)).toEqual(["0001-items"]);
      expect(await migrate(sql, "test", migrations)).toEqual([]);
      expect(await migrate(sql, "other", {})).toEqual([]);
    });

    it("leaves nothing of a migration that fails", async () => {
      const sql = await openDatabase();
      const failing: SqlMigrations = {
        "0001-half": {
          async up(db, types) {
            await db.schema.createTable("half").addColumn("id", types.text).execute();
            throw new Error("the second statement failed");
          },
        },
      };
      await expect(migrate(sql, "test", failing)).rejects.toThrow("the second statement failed");
      await expect(raw`select * from half`.execute(sql.db)).rejects.toThrow();
    });

    it("gives back numbers beyond 32 bits as numbers, counts and sums too", async () => {
      const sql = await open();
      const now = 1_900_000_000_123;
      await sql.db.insertInto("items").values({ id: "a", name: null, size: now, flag: 1 }).execute();
      expect(await sql.db.selectFrom("items").selectAll().execute()).toEqual([
        { id: "a", name: null, size: now, flag: 1 },
      ]);
      const total = await sql.db
        .selectFrom("items")
        .select((eb) => [eb.fn.countAll<number>().as("count"), eb.fn.sum<number>("size").as("sum")])
        .executeTakeFirstOrThrow();
      expect(total).toEqual({ count: 1, sum: now });
    });

    it("sorts text by byte", async () => {
      const sql = await open();
      const ids = ["a", "B", "_", "ä", "1", "Z"];
      await sql.insertMany(
        "items",
        ids.map((id) => ({ id, name: id, size: 0, flag: 0 })),
      );
      const sorted = await sql.db.selectFrom("items").select("id").orderBy("id").execute();
      expect(sorted.map(({ id }) => id)).toEqual(["1", "B", "Z", "_", "a", "ä"]);
    });

    it("inserts 5,000 rows by one statement, hostile text included", async () => {
      const sql = await open();
      const hostile = `'"\\;--\u0000\ud800 €😀`;
      const rows = Array.from({ length: 5_000 }, (_, index) => ({
        id: `i${index}`,
        name: index === 7 ? hostile : index === 8 ? null : `name ${index}`,
        size: index * 1_000_000_000,
        flag: index % 2,
      }));
      await sql.insertMany("items", rows);
      const stored = await sql.db
        .selectFrom("items")
        .selectAll()
        .where("id", "in", ["i7", "i8", "i4999"])
        .orderBy("id")
        .execute();
      expect(stored).toEqual([
        { id: "i4999", name: "name 4999", size: 4_999_000_000_000, flag: 1 },
        { id: "i7", name: `'"\\;--\uFFFD\uFFFD €😀`, size: 7_000_000_000, flag: 1 },
        { id: "i8", name: null, size: 8_000_000_000, flag: 0 },
      ]);
    });

    it("refuses all rows of a batch with a duplicate, or leaves the duplicate out when told to", async () => {
      const sql = await open();
      const row = (id: string) => ({ id, name: null, size: 0, flag: 0 });
      await sql.insertMany("items", [row("a")]);
      const error = await sql.insertMany("items", [row("b"), row("a")]).catch((reason: unknown) => reason);
      expect(isUniqueViolation(error)).toBe(true);
      expect(await sql.db.selectFrom("items").select("id").execute()).toEqual([{ id: "a" }]);
      await sql.insertMany("items", [row("b"), row("a")], { ignoreDuplicates: true });
      expect(await sql.db.selectFrom("items").select("id").orderBy("id").execute()).toEqual([{ id: "a" }, { id: "b" }]);
    });

    it("rolls a transaction back when its work throws", async () => {
      const sql = await open();
      const failing = sql.transaction(async (trx) => {
        await trx.insertInto("items").values({ id: "a", name: null, size: 1, flag: 0 }).execute();
        throw new Error("changed my mind");
      });
      await expect(failing).rejects.toThrow("changed my mind");
      expect(await sql.db.selectFrom("items").selectAll().execute()).toEqual([]);
    });

    it("loses no update among transactions that read and write the same row at once", async () => {
      const sql = await open();
      await sql.insertMany("items", [{ id: "counter", name: null, size: 0, flag: 0 }]);
      const increment = () =>
        sql.transaction(async (trx) => {
          const { size } = await trx
            .selectFrom("items")
            .select("size")
            .where("id", "=", "counter")
            .executeTakeFirstOrThrow();
          await trx
            .updateTable("items")
            .set({ size: size + 1 })
            .where("id", "=", "counter")
            .execute();
        });
      await Promise.all(Array.from({ length: 4 }, increment));
      const { size } = await sql.db.selectFrom("items").select("size").executeTakeFirstOrThrow();
      expect(size).toBe(4);
    });
  },
  { inThread: true },
);

describe("the encrypted file", () => {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-file-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("holds nothing readable, opens with older keys and moves on to the newest", async () => {
    const path = join(folder, "a.sqlite");
    const old = { id: "old", key: randomBytes(32) };
    const fresh = { id: "new", key: randomBytes(32) };
    const open = (masterKeys: (typeof old)[]) =>
      openSqlite({ path, logicalName: "a", masterKeys, synchronous: "FULL" }).withTables<Tables>();

    const first = open([old]);
    await migrate(first.withTables<unknown>(), "test", migrations);
    await first.insertMany("items", [{ id: "a", name: "a sentence nobody should read", size: 1, flag: 0 }]);
    await first.close();
    const bytes = readFileSync(path);
    expect(bytes.includes("sentence nobody")).toBe(false);
    expect(bytes.includes("SQLite format 3")).toBe(false);

    await open([fresh, old]).close();
    expect(() => open([old])).toThrow(SqliteOpenError);
    const inThread = (masterKeys: (typeof old)[]) =>
      openSqliteInThread({ path, logicalName: "a", masterKeys, synchronous: "FULL" });
    const refused = inThread([old]);
    await expect(raw`select 1`.execute(refused.db)).rejects.toThrow(SqliteOpenError);
    await refused.close();
    const second = open([fresh]);
    expect(await second.db.selectFrom("items").select("id").execute()).toEqual([{ id: "a" }]);
    await second.close();
  });

  it("is open in a thread only while it is used, and waits for the thread before", async () => {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "b.sqlite");
    const masterKeys = [{ id: "a", key: randomBytes(32) }];
    const options = { path, logicalName: "b", masterKeys, synchronous: "NORMAL" } as const;
    const sql = openSqliteInThread(options, { idleMs: 1 }).withTables<Tables>();
    await migrate(sql.withTables<unknown>(), "test", migrations);
    for (const id of ["a", "b", "c"]) {
      await sql.insertMany("items", [{ id, name: null, size: 1, flag: 0 }]);
      // Opened here as soon as the thread has let go of it: the driver waits for the lock.
      await vi.waitFor(() => expect(openFiles(path)).toBe(0), { timeout: 10_000 });
      await openSqlite(options).close();
    }
    expect(await sql.db.selectFrom("items").select("id").orderBy("id").execute()).toHaveLength(3);
    await sql.close();
  });
});

/** How often this process has the file open. */
function openFiles(path: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(join("/proc/self/fd", fd)) === path;
    } catch {
      return false;
    }
  }).length;
}
