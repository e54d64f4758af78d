import type { ChangesEvent } from "@aerostack/datahost";
import { createManualClock } from "@aerostack/kernel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startTestDatabases } from "../database/data-host-testing.ts";
import { createMemoryBus } from "../kernel/bus/memory-bus.ts";
import { createLogger } from "../kernel/log.ts";
import { createRowChanges, type RowChanges, type ShownChange } from "./row-changes.ts";

const PROJECT = "prj_a";
const log = createLogger({ level: "silent" });
const closers: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server with a data host of its own. */
async function startServer(bus = createMemoryBus(), clock = createManualClock(Date.UTC(2026, 5, 1))) {
  const heard: ShownChange[] = [];
  const untold: string[] = [];
  const listened = new Set<string>();
  const watched: unknown[] = [];
  let changes: RowChanges | undefined;
  const host = await startTestDatabases((name, value) => {
    if (name === "db.changes") changes?.receive(value as ChangesEvent);
  });
  changes = createRowChanges({
    call: (method, params) => {
      if (method === "changes.watch") watched.push(params.tables);
      return host.call(method, params);
    },
    bus,
    clock,
    log,
    positionOf: async () => null,
    async onChanges(told) {
      heard.push(...told.changes);
      untold.push(...told.untold);
    },
    isListenedTo: (_projectId, table) => listened.has(table),
  });
  closers.push(host.close, changes.close);
  const query = (sql: string) =>
    host.databases.query({ projectId: PROJECT, database: "main" }, { sql, params: [] }, "full");
  return { changes, heard, untold, listened, watched, query, clock, bus };
}

describe("changes of rows", () => {
  it("are told of tables that somebody listens to, blobs as lists of bytes, and of no others", async () => {
    const { changes, heard, query } = await startServer();
    await query("CREATE TABLE a (id INTEGER PRIMARY KEY, b BLOB); CREATE TABLE other (x)");
    await changes.watch(PROJECT, "a");
    await query("INSERT INTO other VALUES (1)");
    await query("INSERT INTO a VALUES (1, x'00ff')");
    await query("UPDATE a SET b = NULL");
    await query("DELETE FROM a");
    expect(heard).toEqual([
      { table: "a", operation: "INSERT", data: { id: 1, b: [0, 255] } },
      { table: "a", operation: "UPDATE", data: { id: 1, b: null }, old: { id: 1, b: [0, 255] } },
      { table: "a", operation: "DELETE", data: { id: 1, b: null }, old: { id: 1, b: null } },
    ]);
  });

  it("of more rows than one transaction tells of are told as the table alone", async () => {
    const { changes, heard, untold, query } = await startServer();
    await query("CREATE TABLE a (x)");
    await changes.watch(PROJECT, "a");
    await query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000) INSERT INTO a SELECT i FROM n",
    );
    await query("SELECT 1");
    expect([heard, untold]).toEqual([[], ["a"]]);
  });

  it("cost nothing any more some minutes after the last listener has gone", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { changes, heard, listened, watched, query, clock } = await startServer();
    await query("CREATE TABLE a (x); CREATE TABLE b (x)");
    listened.add("b");
    await changes.watch(PROJECT, "a");
    await changes.watch(PROJECT, "b");
    clock.advance(4 * 60_000);
    vi.advanceTimersByTime(20_000);
    await query("SELECT 1");
    expect(watched.at(-1)).toEqual(["a", "b"]);
    clock.advance(2 * 60_000);
    vi.advanceTimersByTime(20_000);
    await query("INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)");
    expect(watched.at(-1)).toEqual(["b"]);
    expect(heard.map(({ table }) => table)).toEqual(["b"]);
  });

  it("are told where they are written, once another server's listener is in force", async () => {
    const here = await startServer();
    const there = await startServer(here.bus);
    await there.query("CREATE TABLE a (x)");
    await here.changes.watch(PROJECT, "a");
    await there.query("INSERT INTO a VALUES (1)");
    expect(there.heard).toEqual([{ table: "a", operation: "INSERT", data: { x: 1 } }]);
  });

  it("are refused to be watched where the data host does not answer, and asked for anew the next time", async () => {
    const bus = createMemoryBus();
    let fails = true;
    const changes = createRowChanges({
      call: async () => {
        if (fails) throw new Error("away");
        return {} as never;
      },
      bus,
      clock: createManualClock(0),
      log,
      positionOf: async () => null,
      onChanges: async () => {},
      isListenedTo: () => true,
    });
    closers.push(changes.close);
    await expect(changes.watch(PROJECT, "a")).rejects.toThrow("away");
    fails = false;
    await changes.watch(PROJECT, "a");
  });
});
