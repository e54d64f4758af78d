import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as immediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { machineFactor } from "../../../../e2e/harness/machine-speed.ts";
import { failureOf, RUNAWAY_READ, RUNAWAY_WRITE, type SqlUnderTest, startSql, until } from "./sql-test-support.ts";

/** On two slow cores a long read beside six runaways takes more than half of it. */
const TIMEOUT_MS = 3_000;
const MAX_ROUNDS = 6;
const ROUND_TIMEOUT_MS = 20_000;
const HOSTILE = { projectId: "prj_hostile" };
const NEIGHBOUR = { projectId: "prj_neighbour" };

let sql: SqlUnderTest;

beforeEach(async () => {
  sql = startSql({ queryTimeoutMs: TIMEOUT_MS });
  for (const scope of [HOSTILE, NEIGHBOUR]) {
    await sql.query("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", [], scope);
    await sql.query("INSERT INTO t (v) VALUES ('a'), ('b'), ('c')", [], scope);
  }
});

afterEach(() => sql.close());

/** 99th percentile of the time that each takes, in milliseconds. */
async function p99Of(work: () => Promise<unknown>, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await work();
    times.push(performance.now() - startedMs);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? 0;
}

/** What a synced write of a page takes that nobody but the machine has a hand in. */
async function bareWritesP99(rounds: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "bare-writes-"));
  const file = openSync(join(folder, "file"), "w");
  const page = Buffer.alloc(4096, 1);
  try {
    return await p99Of(async () => {
      writeSync(file, page);
      fsyncSync(file);
      await immediate();
    }, rounds);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}

const pointRead = () => sql.query("SELECT * FROM t WHERE id = ?", [2], NEIGHBOUR);
const pointWrite = () => sql.query("INSERT INTO t (v) VALUES ('w')", [], NEIGHBOUR);
const longRead = () => sql.query("SELECT count(*) FROM t WHERE v LIKE ?", ["b%"], NEIGHBOUR);

describe("a statement that does not end", () => {
  test("is stopped after the time limit, and its project's next statement works", async () => {
    const startedMs = performance.now();
    expect(await failureOf(sql.query(RUNAWAY_READ, [], HOSTILE))).toMatchObject({ code: "DB_QUERY_TIMEOUT" });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
    expect((await sql.query("SELECT count(*) FROM t WHERE v LIKE '%'", [], HOSTILE)).rows).toEqual([[3]]);
  });

  test("that writes is undone, writes of the same database wait for it, others go on", async () => {
    const runaway = failureOf(sql.query(RUNAWAY_WRITE, [], HOSTILE));
    const waiting = sql.query("INSERT INTO t (v) VALUES ('after')", [], HOSTILE);
    const startedMs = performance.now();
    await sql.query("INSERT INTO t (v) VALUES ('meanwhile')", [], NEIGHBOUR);
    await sql.query("UPDATE t SET v = v || '!'", [], NEIGHBOUR);
    expect(performance.now() - startedMs).toBeLessThan(TIMEOUT_MS);
    expect((await sql.query("SELECT count(*) FROM t", [], HOSTILE)).rows).toEqual([[3]]);
    expect(await runaway).toMatchObject({ code: "DB_QUERY_TIMEOUT" });
    await waiting;
    expect((await sql.query("SELECT v FROM t WHERE id > 3", [], HOSTILE)).rows).toEqual([["after"]]);
    expect((await sql.query("PRAGMA integrity_check", [], HOSTILE)).rows).toEqual([["ok"]]);
  });

  test("takes at most its project's share of the processes: a neighbour's long reads do not wait for it", async () => {
    const runaways = Array.from({ length: 6 }, () => failureOf(sql.query(RUNAWAY_READ, [], HOSTILE)));
    await longRead();
    const p99 = await p99Of(longRead, 100);
    expect(p99).toBeLessThan(TIMEOUT_MS / 5);
    for (const error of await Promise.all(runaways)) expect(error).toMatchObject({ code: "DB_QUERY_TIMEOUT" });
  });

  test("of three projects at once does not take the last process from a fourth", async () => {
    const runaways = ["prj_1", "prj_2", "prj_3"].flatMap((projectId) =>
      Array.from({ length: 2 }, () => failureOf(sql.query(RUNAWAY_READ, [], { projectId }))),
    );
    let ended = 0;
    for (const runaway of runaways) void runaway.then(() => ended++);
    await longRead();
    expect(ended).toBeLessThan(runaways.length);
    await Promise.all(runaways);
  });

  test("leaves a neighbour's point reads and writes as fast as they are when nothing else runs", {
    timeout: MAX_ROUNDS * ROUND_TIMEOUT_MS,
  }, async () => {
    await p99Of(pointRead, 300);
    await p99Of(pointWrite, 50);
    // What else the machine does can only make a round look worse: one quiet round shows that nobody waits.
    const rounds: string[] = [];
    const factor = machineFactor();
    let isQuiet = false;
    for (let round = 0; round < MAX_ROUNDS && !isQuiet; round++) {
      const idle = [await p99Of(pointRead, 1_000), await p99Of(pointWrite, 200)] as const;
      const runaways = [RUNAWAY_READ, RUNAWAY_READ, RUNAWAY_WRITE].map((text) =>
        failureOf(sql.query(text, [], HOSTILE)),
      );
      await until(() => sql.services.stats().readers >= 2);
      const busy = [await p99Of(pointRead, 1_000), await p99Of(pointWrite, 200)] as const;
      // A machine whose processors are all in use may be slow to sync by itself.
      const bare = await bareWritesP99(200);
      for (const error of await Promise.all(runaways)) expect(error).toMatchObject({ code: "DB_QUERY_TIMEOUT" });
      rounds.push(`reads ${idle[0]} → ${busy[0]}, writes ${idle[1]} → ${busy[1]}, bare writes ${bare}`);
      isQuiet = busy[0] < Math.max(2 * idle[0], factor) && busy[1] < Math.max(2 * idle[1], 2 * bare, 5 * factor);
    }
    expect(isQuiet, `p99 in ms, idle → beside runaways: ${rounds.join("; ")}`).toBe(true);
  });

  test("is no reason for another read of the project to fail: those that wait are run when a process is free", async () => {
    const runaways = [failureOf(sql.query(RUNAWAY_READ, [], HOSTILE)), failureOf(sql.query(RUNAWAY_READ, [], HOSTILE))];
    const read = await sql.query("SELECT count(*) FROM t WHERE v LIKE '%'", [], HOSTILE);
    expect(read.rows).toEqual([[3]]);
    await Promise.all(runaways);
  });
});
