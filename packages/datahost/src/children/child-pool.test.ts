import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../limits.ts";
import { createChildPool } from "./child-pool.ts";
import type { SqlProcess, SqlProcessOptions } from "./child-process.ts";

/** Processes that only note what is done to them. */
function createPool(limits: Partial<typeof DEFAULT_LIMITS> = {}) {
  const started: { process: SqlProcess; exit: () => void; killed: boolean }[] = [];
  const start = ({ onExit }: SqlProcessOptions): SqlProcess => {
    let alive = true;
    const exit = () => {
      if (!alive) return;
      alive = false;
      onExit();
    };
    const entry = {
      killed: false,
      exit,
      process: {
        pid: started.length + 1,
        run: () => Promise.resolve({ answer: {}, body: Buffer.alloc(0) }),
        kill() {
          entry.killed = true;
          exit();
        },
        stop: exit,
        get isAlive() {
          return alive;
        },
      },
    };
    started.push(entry);
    return entry.process;
  };
  const pool = createChildPool({
    role: "reader",
    limits: { ...DEFAULT_LIMITS, maxChildren: 4, maxOverflowChildren: 0, maxChildrenPerProject: 2, ...limits },
    ledger: { add() {}, remove() {}, killLeftOver: () => 0 },
    onDefect: () => {},
    start,
  });
  return { pool, started };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("the pool of SQL processes", () => {
  test("starts one when it is needed and uses it again", async () => {
    const { pool, started } = createPool();
    expect(started).toHaveLength(0);
    for (let round = 0; round < 3; round++) (await pool.acquire("a")).release();
    expect(started).toHaveLength(1);
  });

  test("gives a project at most its share, and others the rest", async () => {
    const { pool } = createPool();
    const got: string[] = [];
    const take = async (project: string) => {
      const lease = await pool.acquire(project);
      got.push(project);
      return lease;
    };
    const first = take("a");
    const others = [...Array.from({ length: 9 }, () => take("a")), take("b")];
    await turn();
    expect(got).toEqual(["a", "a", "b"]);
    (await first).release();
    await turn();
    expect(got).toEqual(["a", "a", "b", "a"]);
    const settled = Promise.allSettled(others);
    await pool.close();
    await settled;
  });

  test("lets projects that wait take turns", async () => {
    const { pool } = createPool({ maxChildren: 1, maxChildrenPerProject: 1 });
    const got: string[] = [];
    const holding = await pool.acquire("x");
    const waiting = ["a", "a", "a", "b", "c"].map((project) =>
      pool.acquire(project).then((lease) => {
        got.push(project);
        lease.release();
      }),
    );
    holding.release();
    await Promise.all(waiting);
    expect(got).toEqual(["a", "b", "c", "a", "a"]);
  });

  test("forgets a process that ended and starts another for who waits", async () => {
    const { pool, started } = createPool({ maxChildren: 1 });
    const lease = await pool.acquire("a");
    const next = pool.acquire("b");
    started[0]?.exit();
    lease.release();
    expect((await next).process.pid).toBe(2);
  });

  test("does not hand out a process that was killed", async () => {
    const { pool } = createPool();
    const lease = await pool.acquire("a");
    lease.process.kill();
    lease.release();
    expect((await pool.acquire("a")).process.pid).toBe(2);
  });

  test("refuses what waits beyond the limit", async () => {
    const { pool } = createPool({ maxChildren: 1, maxWaitingReads: 2 });
    await pool.acquire("a");
    void pool.acquire("a").catch(() => {});
    void pool.acquire("a").catch(() => {});
    await expect(pool.acquire("a")).rejects.toMatchObject({ code: "DB_OVERLOADED" });
    await pool.close();
  });

  test("ends every process when it closes, and tells who waits", async () => {
    const { pool, started } = createPool({ maxChildren: 1 });
    const lease = await pool.acquire("a");
    const waiting = pool.acquire("b");
    const closed = pool.close();
    await expect(waiting).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await closed;
    lease.release();
    expect(started.every(({ process }) => !process.isAlive)).toBe(true);
    await expect(pool.acquire("a")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });
});
