import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DataHost, startDataHost } from "../client.ts";
import type { QueryResult } from "../protocol.ts";
import { MASTER_KEY, until } from "../sql/sql-test-support.ts";
import { readChangeSet } from "./change-set.ts";
import type { ChangesEvent } from "./database-changes.ts";

const SCOPE = { projectId: "prj_a", database: "main" };
const WRITES = 400;
const CRASH_EVERY = 130;

let dataDir: string;
let host: DataHost;
let told: ChangesEvent[];

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "changes-"));
  told = [];
  host = await startDataHost({
    dataDir,
    masterKey: MASTER_KEY,
    logger: { info() {}, warn() {}, error() {} },
    onEvent: (name, value) => void (name === "db.changes" && told.push(value as ChangesEvent)),
  });
});

afterEach(async () => {
  await host.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const query = (sql: string, params: unknown[] = []) => host.call<QueryResult>("db.query", { ...SCOPE, sql, params });

test("no commit is left out and none told twice when the data host is killed under a stream of writes", async () => {
  await query("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT)");
  await host.call("changes.watch", { ...SCOPE, tables: ["t"], after: null });
  const writing: Promise<unknown>[] = [];
  for (let n = 1; n <= WRITES; n++) {
    writing.push(query("INSERT INTO t (n) VALUES (?)", [n]).catch(() => {}));
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (n % CRASH_EVERY === 0 && host.pid !== undefined) process.kill(host.pid, "SIGKILL");
  }
  await Promise.all(writing);
  const committed = (await query("SELECT n FROM t ORDER BY id")).rows.flat();
  expect(committed.length).toBeGreaterThan(WRITES / 2);
  const rows = () => told.flatMap(({ body }) => readChangeSet(body).changes).map(({ row }) => row?.n);
  await until(() => rows().length >= committed.length);
  expect(rows()).toEqual(committed);
});

test("a database that is made after it was watched is told of from its first row", async () => {
  await host.call("changes.watch", { ...SCOPE, tables: ["t"], after: null });
  expect((await host.call<{ databases: unknown[] }>("db.list", { projectId: "prj_a" })).databases).toEqual([]);
  await query("CREATE TABLE t (n)");
  await query("INSERT INTO t VALUES (1)");
  expect(told.flatMap(({ body }) => readChangeSet(body).changes).map(({ row }) => row)).toEqual([{ n: 1 }]);
});
