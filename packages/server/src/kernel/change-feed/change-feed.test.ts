import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { describeEachControlDatabase } from "../../testing-database.ts";
import { createMemoryBus } from "../bus/memory-bus.ts";
import type { Sql } from "../sql/index.ts";
import { createChangeFeed, MAX_STALENESS_MS } from "./change-feed.ts";

const HOUR_MS = 60 * 60_000;

describeEachControlDatabase("the change feed", (openDatabase) => {
  async function start() {
    const sql = await openDatabase();
    const clock = createManualClock(1_000_000_000);
    const server = () => {
      const seen: (readonly string[] | null)[] = [];
      const feed = createChangeFeed({ sql, clock, bus: createMemoryBus() });
      feed.onChange((subjects) => seen.push(subjects));
      return { feed, seen };
    };
    return { sql, clock, server };
  }
  const nothing = async () => undefined;

  it("tells the server that changes at once, and every other when it looks next", async () => {
    const { sql, clock, server } = await start();
    const [here, there] = [server(), server()];
    await here.feed.ensureFresh();
    await there.feed.ensureFresh();
    here.seen.length = 0;
    there.seen.length = 0;
    await here.feed.commit(sql, ["key:1", "project:2"], nothing);
    expect(here.seen).toEqual([["key:1", "project:2"]]);
    expect(there.feed.ensureFresh()).toBe(true);
    clock.advance(MAX_STALENESS_MS);
    await there.feed.ensureFresh();
    expect(there.seen.map((subjects) => subjects?.toSorted())).toEqual([["key:1", "project:2"]]);
    clock.advance(MAX_STALENESS_MS);
    await there.feed.ensureFresh();
    expect(there.seen).toHaveLength(1);
  });

  it("tells nothing of a transaction that failed", async () => {
    const { sql, clock, server } = await start();
    const [here, there] = [server(), server()];
    await there.feed.ensureFresh();
    there.seen.length = 0;
    const failing = here.feed.commit(sql, ["key:1"], () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    clock.advance(MAX_STALENESS_MS);
    await there.feed.ensureFresh();
    expect([here.seen, there.seen]).toEqual([[], []]);
  });

  it("loses no change among many made at once on several servers", async () => {
    const { sql, clock, server } = await start();
    const [a, b, watcher] = [server(), server(), server()];
    await watcher.feed.ensureFresh();
    watcher.seen.length = 0;
    const numbers = Array.from({ length: 12 }, (_, index) => index);
    await Promise.all(numbers.map((n) => (n % 2 === 0 ? a : b).feed.commit(sql, [`key:${n}`], nothing)));
    clock.advance(MAX_STALENESS_MS);
    await watcher.feed.ensureFresh();
    expect(watcher.seen.flat().toSorted()).toEqual(numbers.map((n) => `key:${n}`).toSorted());
  });

  it("says that everything may have changed to a server that looked away for long", async () => {
    const { sql, clock, server } = await start();
    const [here, there] = [server(), server()];
    await there.feed.ensureFresh();
    there.seen.length = 0;
    await here.feed.commit(sql, ["key:1"], nothing);
    clock.advance(2 * HOUR_MS);
    await here.feed.commit(sql, ["key:2"], nothing);
    await there.feed.ensureFresh();
    expect(there.seen).toEqual([null]);
  });

  it("reads twice a second at most, however often it is asked", async () => {
    const { sql, clock, server } = await start();
    let reads = 0;
    const counting: Sql<unknown> = {
      ...sql,
      withTables: <Other>() => {
        const typed = sql.withTables<Other>();
        return Object.defineProperty({ ...typed }, "db", {
          get() {
            reads++;
            return typed.db;
          },
        }) as Sql<Other>;
      },
    };
    const feed = createChangeFeed({ sql: counting, clock, bus: createMemoryBus() });
    await feed.ensureFresh();
    expect(reads).toBe(1);
    for (let ms = 0; ms < 1_000; ms++) {
      clock.advance(1);
      await feed.ensureFresh();
      await Promise.resolve();
    }
    await new Promise(setImmediate);
    expect(reads).toBeLessThanOrEqual(4);
    expect(server().feed.version).toBe(0);
  });

  it("refuses when the database does not answer and what is known is too old", async () => {
    const { sql, clock } = await start();
    const feed = createChangeFeed({ sql, clock, bus: createMemoryBus() });
    await feed.ensureFresh();
    await sql.close();
    clock.advance(MAX_STALENESS_MS);
    await expect(feed.ensureFresh()).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });
});
