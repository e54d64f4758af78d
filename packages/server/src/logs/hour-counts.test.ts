import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { migrate, type Sql } from "../kernel/sql/index.ts";
import { describeEachDialect } from "../kernel/sql/testing.ts";
import { createHourCounts } from "./hour-counts.ts";
import type { LogEntry } from "./log-entry.ts";
import { type LogTables, logMigrations } from "./tables.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.UTC(2026, 5, 10);
const FLOOR = { calls: 100, failures: 10, refusals: 10 };

describeEachDialect(
  "P12 calls counted by the hour",
  (openDatabase) => {
    async function open() {
      const untyped: Sql<unknown> = await openDatabase();
      await migrate(untyped, "logs", logMigrations);
      const sql = untyped.withTables<LogTables>();
      const clock = createManualClock(START);
      const errors: unknown[] = [];
      const create = () => createHourCounts({ sql, clock, onError: (error) => void errors.push(error) });
      const hours = create();
      let serial = 0;
      const lines = (count: number, partial: Partial<LogEntry> = {}): LogEntry[] =>
        Array.from({ length: count }, () => ({
          id: `log_${serial++}`,
          projectId: "prj_1",
          time: clock.now(),
          kind: "request",
          level: "info",
          message: "",
          requestId: null,
          functionName: null,
          environment: null,
          version: null,
          method: "GET",
          path: "/",
          status: 200,
          latencyMs: 1,
          keyId: null,
          ip: "192.0.2.1",
          region: null,
          ...partial,
        }));
      const peaks = (of: "projects" | "addresses", projectId: string | null = null) =>
        hours.peaks({ projectId, sinceMs: clock.now() - DAY_MS, of, floor: FLOOR });
      return { sql, clock, errors, create, hours, lines, peaks };
    }

    it("are added up over servers and flushes, by project and by address", async () => {
      const { create, hours, lines, peaks, errors } = await open();
      const other = create();
      hours.add(lines(60));
      hours.add(lines(7, { kind: "console", status: null }));
      await hours.flush();
      hours.add(lines(20, { ip: "192.0.2.2", status: 502 }));
      other.add(lines(50, { status: 429 }));
      other.add(lines(200, { projectId: "prj_2", ip: null }));
      await Promise.all([hours.flush(), other.flush()]);
      expect(errors).toEqual([]);
      expect((await peaks("projects")).map(({ projectId, highest }) => [projectId, highest])).toEqual([
        ["prj_2", { calls: 200, failures: 0, refusals: 0 }],
        ["prj_1", { calls: 130, failures: 20, refusals: 50 }],
      ]);
      expect((await peaks("addresses")).map(({ ip, highest }) => [ip, highest])).toEqual([
        ["192.0.2.1", { calls: 110, failures: 0, refusals: 50 }],
        ["192.0.2.2", { calls: 20, failures: 20, refusals: 0 }],
      ]);
      expect(await peaks("projects", "prj_2")).toHaveLength(1);
      expect(await peaks("addresses", "prj_2")).toEqual([]);
    });

    it("are held against an average hour of the days before, and forgotten after two weeks", async () => {
      const { clock, hours, lines, peaks, sql } = await open();
      for (let day = 0; day < 4; day++) {
        hours.add(lines(240));
        clock.advance(DAY_MS);
      }
      hours.add(lines(500));
      await hours.flush();
      const [peak] = await peaks("projects");
      // The first three days lie before the window.
      expect(peak).toMatchObject({ highest: { calls: 500 }, usual: { calls: 10 } });
      clock.advance(12 * DAY_MS);
      await hours.removeExpired();
      const left = await sql.db.selectFrom("log_hours").select("hour").where("ip", "=", "").execute();
      expect(left.map(({ hour }) => (Number(hour) - START) / DAY_MS)).toEqual([2, 3, 4]);
    });
  },
  { inThread: true },
);
