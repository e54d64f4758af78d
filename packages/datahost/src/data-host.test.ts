import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectWithin } from "../../../e2e/harness/expect-within.ts";
import { type DataHost, startDataHost } from "./client.ts";
import type { HostLimits } from "./limits.ts";
import type { HostStats, QueryResult } from "./protocol.ts";
import { failureOf, RUNAWAY_READ, until } from "./sql/sql-test-support.ts";

const SCOPE = { projectId: "prj_a", database: "main" };

let dataDir: string;
let host: DataHost;
const masterKey = randomBytes(32);

function start(limits: Partial<HostLimits> = {}): Promise<DataHost> {
  const logger = { info() {}, warn() {}, error() {} };
  return startDataHost({ dataDir, masterKey, logger, limits, onEvent() {} });
}

const query = (sql: string, params: unknown[] = [], scope: Partial<typeof SCOPE> = {}) =>
  host.call<QueryResult>("db.query", { ...SCOPE, ...scope, sql, params });

/** Kills the host's process as a crash does; resolves once another one answers. */
async function crash(): Promise<void> {
  const { pid } = host;
  if (pid === undefined) throw new Error("no process");
  process.kill(pid, "SIGKILL");
  for (;;) {
    const answer = await host.call<{ pid: number }>("host.ping", {});
    if (answer.pid !== pid) return;
  }
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "data-host-"));
  host = await start();
});

afterEach(async () => {
  await host.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe("the data host's process", () => {
  test("knows its key from its pipe only: neither its arguments nor its environment show it", () => {
    const ofProcess = (file: string) => readFileSync(`/proc/${host.pid}/${file}`);
    for (const form of ["hex", "base64"] as const) {
      const key = masterKey.toString(form);
      expect(ofProcess("cmdline").includes(key)).toBe(false);
      expect(ofProcess("environ").includes(key)).toBe(false);
    }
  });

  test("answers 401 to a binding whose token it does not know, and 404 to a kind that there is not", async () => {
    const token = "t".repeat(32);
    await host.call("grants.register", { token, projectId: "prj_a" });
    const ask = (headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const req = request(
          { socketPath: join(dataDir, "run", "host.sock"), method: "POST", path: "/query", headers },
          (res) => resolve(res.resume().statusCode ?? 0),
        );
        req.on("error", reject);
        req.end('{"sql":"SELECT 1"}');
      });
    const binding = { "x-aero-binding": "d1:main" };
    expect(await ask({ "x-aero-token": token, ...binding })).toBe(200);
    expect(await ask({ "x-aero-token": "unknown", ...binding })).toBe(401);
    expect(await ask(binding)).toBe(401);
    expect(await ask({ "x-aero-token": token, "x-aero-binding": "nothing:main" })).toBe(404);
    await crash();
    expect(await ask({ "x-aero-token": token, ...binding })).toBe(200);
    await host.call("grants.revoke", { token });
    expect(await ask({ "x-aero-token": token, ...binding })).toBe(401);
  });

  test("passes results of many megabytes on whole, while others are answered", async () => {
    const rows = 40_000;
    const big = `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${rows})
      SELECT x, printf('%0200d', x) || 'ü' FROM c`;
    let slowestMs = 0;
    let isDone = false;
    const large = query(big).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const startedMs = performance.now();
      await query("SELECT 1");
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    }
    const result = await large;
    expect(result.rows).toHaveLength(rows);
    expect(result.rows.at(-1)).toEqual([rows, `${String(rows).padStart(200, "0")}ü`]);
    expectWithin(slowestMs, 500);
  });

  test("ends with its server: no process stays behind", async () => {
    await failureOf(query("SELECT * FROM nope"));
    await query("CREATE TABLE t (a)");
    await query("SELECT count(*) FROM t WHERE a LIKE 'x'");
    const children = childrenOf(host.pid);
    expect(children.length).toBeGreaterThan(0);
    await host.close();
    for (const pid of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
    host = await start();
  });
});

function childrenOf(pid: number | undefined): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) => {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  });
}

describe("a crash of the data host", () => {
  test("loses no acknowledged write and does none twice", async () => {
    await query("CREATE TABLE t (id INTEGER PRIMARY KEY, writer INT, number INT)");
    const acknowledged = new Set<string>();
    const uncertain = new Set<string>();
    let stop = false;
    const write = async (writer: number) => {
      for (let number = 0; !stop; number++) {
        try {
          await query("INSERT INTO t (writer, number) VALUES (?, ?)", [writer, number]);
          acknowledged.add(`${writer}:${number}`);
        } catch {
          uncertain.add(`${writer}:${number}`);
        }
      }
    };
    const writers = Array.from({ length: 8 }, (_, writer) => write(writer));
    for (let round = 0; round < 4; round++) {
      const enough = acknowledged.size + 50 + Math.random() * 200;
      await until(() => acknowledged.size >= enough);
      await crash();
    }
    stop = true;
    await Promise.all(writers);
    const { rows } = await query("SELECT writer || ':' || number AS id, count(*) FROM t GROUP BY 1");
    const found = new Map(rows as [string, number][]);
    expect(acknowledged.size).toBeGreaterThan(100);
    expect([...acknowledged].filter((id) => !found.has(id))).toEqual([]);
    expect([...found].filter(([, times]) => times !== 1)).toEqual([]);
    expect([...found.keys()].filter((id) => !acknowledged.has(id) && !uncertain.has(id))).toEqual([]);
    expect((await query("PRAGMA integrity_check")).rows).toEqual([["ok"]]);
  });

  test("is not seen by reads, short or long", async () => {
    await query("CREATE TABLE t (a)");
    await query("INSERT INTO t VALUES (1)");
    const reads = Array.from({ length: 20 }, (_, at) =>
      query(at % 2 === 0 ? "SELECT a FROM t" : "SELECT count(*) FROM t WHERE a LIKE '1'"),
    );
    await crash();
    for (const { rows } of await Promise.all(reads)) expect(rows).toEqual([[1]]);
  });

  test("while a long write runs leaves it undone or done, once", async () => {
    await query("CREATE TABLE t (a)");
    const before = (await host.call<HostStats>("host.stats", {})).childStatements;
    const writing = query(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000) INSERT INTO t SELECT x FROM c",
    );
    await until(async () => (await host.call<HostStats>("host.stats", {})).childStatements === before + 1);
    await crash();
    await writing;
    expect((await query("SELECT count(*), count(DISTINCT a) FROM t")).rows).toEqual([[300_000, 300_000]]);
  });

  test("ends the statements that ran for it, also those that never end", async () => {
    const runaway = failureOf(query(RUNAWAY_READ));
    await until(async () => (await host.call<HostStats>("host.stats", {})).readers > 0);
    const orphans = childrenOf(host.pid);
    await crash();
    await until(() => orphans.every((pid) => !existsSync(`/proc/${pid}`)));
    expect(orphans).toHaveLength(1);
    for (const pid of childrenOf(host.pid)) process.kill(pid, "SIGKILL");
    await until(async () => (await host.call<HostStats>("host.stats", {})).killedStatements === 1);
    for (const pid of childrenOf(host.pid)) process.kill(pid, "SIGKILL");
    expect(await runaway).toMatchObject({ code: "DB_MEMORY_LIMIT" });
  });

  test("ends transactions, which their callers are told", async () => {
    await query("CREATE TABLE t (a)");
    const { transactionId } = await host.call<{ transactionId: string }>("tx.begin", SCOPE);
    await host.call("tx.query", { transactionId, sql: "INSERT INTO t VALUES (1)" });
    await crash();
    const error = await failureOf(host.call("tx.commit", { transactionId }));
    expect(error).toMatchObject({ code: "DB_TRANSACTION_EXPIRED" });
    expect((await query("SELECT * FROM t")).rows).toEqual([]);
  });
});

describe("a SQL process that is killed", () => {
  test("by somebody else is not noticed by those whose statements it ran", async () => {
    await query("CREATE TABLE t (a)");
    await query("INSERT INTO t SELECT 1 WHERE 'x' LIKE 'x'");
    const slow = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000000) SELECT count(*) FROM c";
    const reading = query(slow);
    const writing = query(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 500000) INSERT INTO t SELECT x FROM c",
    );
    await until(async () => (await host.call<HostStats>("host.stats", {})).readers > 0);
    for (const pid of childrenOf(host.pid)) process.kill(pid, "SIGKILL");
    expect((await reading).rows).toEqual([[1_000_000]]);
    await writing;
    expect((await query("SELECT count(*) FROM t")).rows).toEqual([[500_001]]);
  });

  test("for its time is counted", async () => {
    await host.close();
    host = await start({ queryTimeoutMs: 200 });
    expect(await failureOf(query(RUNAWAY_READ))).toMatchObject({ code: "DB_QUERY_TIMEOUT" });
    expect(await host.call<HostStats>("host.stats", {})).toMatchObject({ killedStatements: 1 });
  });
});
