import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import type { MasterKey } from "../secrets.ts";
import { migrate, type Sql, type SqlMigrations } from "../sql/index.ts";
import { describeEachDialect } from "../sql/testing.ts";
import { createEnvelope } from "./envelope.ts";
import { resealAll, type SealedColumn } from "./sealed-columns.ts";

interface Tables {
  secrets: { project: string; name: string; value: string | null };
}
const migrations: SqlMigrations = {
  "0001_secrets": {
    async up(db, { text }) {
      await db.schema
        .createTable("secrets")
        .addColumn("project", text, (column) => column.notNull())
        .addColumn("name", text, (column) => column.notNull())
        .addColumn("value", text)
        .addPrimaryKeyConstraint("secrets_key", ["project", "name"])
        .execute();
    },
  },
};
const contextOf = ({ project, name }: Readonly<Record<string, string>>): string => `secret/${project}/${name}`;
const COLUMN: SealedColumn = { table: "secrets", key: ["project", "name"], column: "value", contextOf };
const newKey = (id: string): MasterKey => ({ id, key: randomBytes(32) });
const ROWS = 120;

describeEachDialect("turning the master key over", (openDatabase) => {
  const older = newKey("older");
  const newest = newKey("newest");

  async function open(): Promise<Sql<Tables>> {
    const untyped = await openDatabase();
    await migrate(untyped, "test", migrations);
    const sql = untyped.withTables<Tables>();
    const before = createEnvelope([older]);
    const rows = Array.from({ length: ROWS }, (_, index) => {
      const row = { project: `p${index % 3}`, name: `n${index}` };
      return { ...row, value: before.seal(`secret ${index}`, contextOf(row)) };
    });
    await sql.insertMany("secrets", [...rows, { project: "p0", name: "empty", value: null }]);
    return sql;
  }

  async function opened(sql: Sql<Tables>, keys: readonly [MasterKey, ...MasterKey[]]): Promise<string[]> {
    const envelope = createEnvelope(keys);
    const rows = await sql.db.selectFrom("secrets").selectAll().where("value", "is not", null).execute();
    return rows
      .map((row) => envelope.open(row.value ?? "", contextOf({ project: row.project, name: row.name })))
      .sort();
  }

  it("brings every value under the newest key, though it is interrupted, and leaves the values as they were", async () => {
    const sql = await open();
    const expected = await opened(sql, [older]);
    const options = { sql: sql.withTables<unknown>(), envelope: createEnvelope([newest, older]), columns: [COLUMN] };
    const stop = new AbortController();
    const interrupted = resealAll({ ...options, batchSize: 10, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(interrupted).rejects.toThrow();
    // Half and half: with both keys everything is readable.
    expect(await opened(sql, [newest, older])).toEqual(expected);
    expect(await resealAll({ ...options, batchSize: 10 })).toEqual({ resealed: ROWS - 10, unreadable: {} });
    expect(await opened(sql, [newest])).toEqual(expected);
    expect(await resealAll(options)).toEqual({ resealed: 0, unreadable: {} });
  });

  it("tells of values that no key opens, and goes on with the others", async () => {
    const sql = await open();
    const lost = createEnvelope([newKey("lost")]).seal("gone", contextOf({ project: "p1", name: "n1" }));
    await sql.db.updateTable("secrets").set({ value: lost }).where("name", "=", "n1").execute();
    const envelope = createEnvelope([newest, older]);
    const done = await resealAll({ sql: sql.withTables<unknown>(), envelope, columns: [COLUMN], batchSize: 7 });
    expect(done).toEqual({ resealed: ROWS - 1, unreadable: { secrets: 1 } });
  });
});
