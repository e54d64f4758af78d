import { expect, it } from "vitest";
import type { Sql } from "../kernel/sql/index.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { LogEntry } from "./log-entry.ts";
import { createMonotonicIds } from "./monotonic-ids.ts";
import { createLogStore } from "./store.ts";
import type { LogTables } from "./tables.ts";

const createId = createMonotonicIds("log");
const START = 1_800_000_000_000;

function entry(partial: Partial<LogEntry>): LogEntry {
  const time = partial.time ?? START;
  return {
    id: createId(time),
    projectId: "prj_1",
    time,
    kind: "request",
    level: "info",
    message: "",
    requestId: null,
    functionName: "api",
    environment: "production",
    version: 1,
    method: "GET",
    path: "/",
    status: 200,
    latencyMs: 1.25,
    keyId: null,
    ip: "127.0.0.1",
    region: null,
    ...partial,
  };
}

describeEachControlDatabase(
  "the log store",
  (openDatabase) => {
    async function openStore() {
      const sql: Sql<unknown> = await openDatabase();
      return createLogStore(sql.withTables<LogTables>());
    }

    it("gives back what it took, newest first, page by page, and of one project only", async () => {
      const store = await openStore();
      const entries = Array.from({ length: 25 }, (_, i) => entry({ time: START + i, path: `/${i}` }));
      await store.insert(entries);
      await store.insert([entry({ projectId: "prj_2", path: "/other" })]);
      const first = await store.query("prj_1", {}, 10);
      const second = await store.query("prj_1", {}, 10, first.at(-1)?.id);
      expect(first[0]).toEqual(entries[24]);
      expect([...first, ...second].map((one) => one.path)).toEqual(Array.from({ length: 20 }, (_, i) => `/${24 - i}`));
      expect(await store.count("prj_1", "request")).toBe(25);
    });

    it("stores a batch once, however often it is sent", async () => {
      const store = await openStore();
      const batch = [entry({}), entry({})];
      await store.insert(batch);
      await store.insert(batch);
      expect(await store.count("prj_1", "request")).toBe(2);
    });

    it("filters by time, level, status, text, function, environment and request", async () => {
      const store = await openStore();
      await store.insert([
        entry({ time: START, path: "/a_b", status: 404, level: "warn", requestId: "r1" }),
        entry({ time: START + 10, path: "/axb", status: 500, level: "error", environment: "staging" }),
        entry({ time: START + 20, kind: "console", message: "Said 100% of IT", functionName: "jobs", status: null }),
      ]);
      const paths = async (filter: Parameters<typeof store.query>[1]) =>
        (await store.query("prj_1", filter, 10)).map((one) => one.path ?? one.message).sort();
      expect(await paths({ since: START + 10, until: START + 20 })).toEqual(["/axb"]);
      expect(await paths({ minLevel: "warn" })).toEqual(["/a_b", "/axb"]);
      expect(await paths({ status: { from: 400, to: 499 } })).toEqual(["/a_b"]);
      expect(await paths({ text: "a_b" })).toEqual(["/a_b"]);
      expect((await store.query("prj_1", { text: "100% OF it" }, 10)).length).toBe(1);
      expect((await store.query("prj_1", { functionName: "jobs" }, 10)).length).toBe(1);
      expect(await paths({ environment: "staging" })).toEqual(["/axb"]);
      expect(await paths({ requestId: "r1" })).toEqual(["/a_b"]);
    });
  },
  { inThread: true },
);
