import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { MasterKey } from "../secrets.ts";
import { migrate, openSqlite, type Sql } from "../sql/index.ts";
import { describeEachDialect } from "../sql/testing.ts";
import { createEnvelope } from "./envelope.ts";
import { contextOf, SECRETS, type SecretTables, secretMigrations } from "./reseal-test-support.ts";
import { resealAll } from "./sealed-columns.ts";

const newKey = (id: string): MasterKey => ({ id, key: randomBytes(32) });
const ROWS = 120;
const CRASHING = fileURLToPath(new URL("./reseal-crash-test-support.ts", import.meta.url));

async function fill(untyped: Sql<unknown>, key: MasterKey): Promise<Sql<SecretTables>> {
  await migrate(untyped, "test", secretMigrations);
  const sql = untyped.withTables<SecretTables>();
  const before = createEnvelope([key]);
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const row = { project: `p${index % 3}`, name: `n${index}` };
    return { ...row, value: before.seal(`secret ${index}`, contextOf(row)) };
  });
  await sql.insertMany("secrets", [...rows, { project: "p0", name: "empty", value: null }]);
  return sql;
}

async function opened(sql: Sql<SecretTables>, keys: readonly [MasterKey, ...MasterKey[]]): Promise<string[]> {
  const envelope = createEnvelope(keys);
  const rows = await sql.db.selectFrom("secrets").selectAll().where("value", "is not", null).execute();
  return rows.map((row) => envelope.open(row.value ?? "", contextOf({ project: row.project, name: row.name }))).sort();
}

describeEachDialect("turning the master key over", (openDatabase) => {
  const older = newKey("older");
  const newest = newKey("newest");

  const open = async (): Promise<Sql<SecretTables>> => await fill(await openDatabase(), older);

  it("brings every value under the newest key, though it is interrupted, and leaves the values as they were", async () => {
    const sql = await open();
    const expected = await opened(sql, [older]);
    const options = { sql: sql.withTables<unknown>(), envelope: createEnvelope([newest, older]), columns: [SECRETS] };
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
    const done = await resealAll({ sql: sql.withTables<unknown>(), envelope, columns: [SECRETS], batchSize: 7 });
    expect(done).toEqual({ resealed: ROWS - 1, unreadable: { secrets: 1 } });
  });
});

it("goes on after a kill -9 within a batch, and leaves every value readable by the newest key alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aerostack-reseal-"));
  const older = newKey("older");
  const newest = newKey("newest");
  const path = join(folder, "control.sqlite");
  const file = { path, logicalName: "control.sqlite", masterKeys: [newest, older], synchronous: "FULL" } as const;
  try {
    const before = await fill(openSqlite({ ...file, masterKeys: [older] }), older);
    const expected = await opened(before, [older]);
    await before.close();

    const keys = [newest, older].map(({ id, key }) => ({ id, key: Buffer.from(key).toString("hex") }));
    const child = spawn(process.execPath, [CRASHING, path], { stdio: ["pipe", "inherit", "inherit"] });
    child.stdin.end(JSON.stringify(keys));
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);

    const sql = openSqlite(file).withTables<SecretTables>();
    const envelope = createEnvelope([newest, older]);
    const rows = await sql.db.selectFrom("secrets").select("value").where("value", "is not", null).execute();
    const done = rows.filter(({ value }) => value?.startsWith(envelope.newestPrefix)).length;
    // The batches that were committed, and nothing of the one that was under way.
    expect(done).toBe(30);
    expect(await opened(sql, [newest, older])).toEqual(expected);
    const rest = await resealAll({ sql: sql.withTables<unknown>(), envelope, columns: [SECRETS] });
    expect(rest).toEqual({ resealed: ROWS - done, unreadable: {} });
    expect(await opened(sql, [newest])).toEqual(expected);
    await sql.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
