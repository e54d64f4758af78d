import { MAX_ABUSE_WINDOW_DAYS } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Selectable } from "kysely";
import type { Sql } from "../kernel/sql/index.ts";
import type { LogEntry } from "./log-entry.ts";
import type { LogTables } from "./tables.ts";

export type HourCount = Selectable<LogTables["log_hours"]>;

/**
 * Counts the requests of projects by the hour, all of them together and by address: what tells a spike from what is usual
 * without reading the log. Counted in memory and stored every few seconds; what a crash loses of it is less than that.
 */
export interface HourCounts {
  add(entries: readonly LogEntry[]): void;
  /** Resolves when everything counted so far is stored. */
  flush(): Promise<void>;
  /** The highest hours since then of those that reach one of the floors, and what they had before it. */
  peaks(query: PeakQuery): Promise<readonly Peak[]>;
  removeExpired(): Promise<void>;
  close(): Promise<void>;
}

/** In one hour. */
export interface HourFigures {
  readonly calls: number;
  readonly failures: number;
  readonly refusals: number;
}

export interface PeakQuery {
  /** Null: of all projects. */
  readonly projectId: string | null;
  readonly sinceMs: number;
  /** Of projects as a whole, or of addresses. */
  readonly of: "projects" | "addresses";
  readonly floor: HourFigures;
}

export interface Peak {
  readonly projectId: string;
  /** Empty: of the whole project. */
  readonly ip: string;
  readonly highest: HourFigures;
  /** In an average hour of the days before; null: there is nothing that old. */
  readonly usual: HourFigures | null;
  readonly firstHourMs: number;
  readonly lastHourMs: number;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** As far back as findings look, and as long again to know what is usual. */
const KEPT_MS = 2 * MAX_ABUSE_WINDOW_DAYS * DAY_MS;
const USUAL_MS = MAX_ABUSE_WINDOW_DAYS * DAY_MS;
const FLUSH_EVERY_MS = 10_000;
/** Of one server and interval, those that called most: the rest is in its project's sum. */
const MAX_ADDRESSES_STORED = 500;
/** What is counted meanwhile is bounded as well. */
const MAX_ADDRESSES_COUNTED = 20_000;
const ROWS_PER_STATEMENT = 200;
const MAX_PEAKS = 500;
const SERVER_ERROR = 500;
const REFUSALS = new Set([401, 403, 429]);
const ALL = "";
const BETWEEN = " ";

export function createHourCounts(options: {
  readonly sql: Sql<LogTables>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}): HourCounts {
  const { sql, clock, onError } = options;
  let sums = new Map<string, HourCount>();
  let byAddress = new Map<string, HourCount>();
  let writing = Promise.resolve();

  function count(counts: Map<string, HourCount>, entry: LogEntry, ip: string): void {
    const hour = Math.floor(entry.time / HOUR_MS) * HOUR_MS;
    const key = entry.projectId + BETWEEN + hour + BETWEEN + ip;
    let row = counts.get(key);
    if (row === undefined) {
      if (counts.size >= MAX_ADDRESSES_COUNTED) return;
      row = { project_id: entry.projectId, hour, ip, calls: 0, failures: 0, refusals: 0 };
      counts.set(key, row);
    }
    row.calls++;
    if (entry.status === null) return;
    if (entry.status >= SERVER_ERROR) row.failures++;
    else if (REFUSALS.has(entry.status)) row.refusals++;
  }

  async function store(rows: readonly HourCount[]): Promise<void> {
    for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
      await sql.db
        .insertInto("log_hours")
        .values(rows.slice(start, start + ROWS_PER_STATEMENT))
        .onConflict((conflict) =>
          conflict.columns(["project_id", "hour", "ip"]).doUpdateSet((eb) => ({
            calls: eb("log_hours.calls", "+", eb.ref("excluded.calls")),
            failures: eb("log_hours.failures", "+", eb.ref("excluded.failures")),
            refusals: eb("log_hours.refusals", "+", eb.ref("excluded.refusals")),
          })),
        )
        .execute();
    }
  }

  async function flush(): Promise<void> {
    const most = [...byAddress.values()].sort((a, b) => b.calls - a.calls).slice(0, MAX_ADDRESSES_STORED);
    const rows = [...sums.values(), ...most];
    sums = new Map();
    byAddress = new Map();
    // One after the other; what could not be stored is lost, as it is in a crash.
    writing = writing.then(() => store(rows)).catch(onError);
    await writing;
  }

  const timer = setInterval(() => {
    if (sums.size > 0) void flush();
  }, FLUSH_EVERY_MS);
  timer.unref();

  return {
    add(entries) {
      for (const entry of entries) {
        if (entry.kind !== "request") continue;
        count(sums, entry, ALL);
        if (entry.ip !== null && entry.ip !== "") count(byAddress, entry, entry.ip);
      }
    },
    flush,

    async peaks({ projectId, sinceMs, of, floor }) {
      const firstHour = Math.floor(sinceMs / HOUR_MS) * HOUR_MS;
      const rows = (fromMs: number, untilMs: number) => {
        let query = sql.db.selectFrom("log_hours").where("hour", ">=", fromMs).where("hour", "<", untilMs);
        query = query.where("ip", of === "projects" ? "=" : "!=", ALL);
        return projectId === null ? query : query.where("project_id", "=", projectId);
      };
      const { max, min, sum } = sql.db.fn;
      const high = await rows(firstHour, clock.now() + 1)
        .groupBy(["project_id", "ip"])
        .select(["project_id", "ip"])
        .select([
          max("calls").as("calls"),
          max("failures").as("failures"),
          max("refusals").as("refusals"),
          min("hour").as("first"),
          max("hour").as("last"),
        ])
        .having((eb) =>
          eb.or([
            eb(eb.fn.max("calls"), ">=", floor.calls),
            eb(eb.fn.max("failures"), ">=", floor.failures),
            eb(eb.fn.max("refusals"), ">=", floor.refusals),
          ]),
        )
        .orderBy("calls", "desc")
        .limit(MAX_PEAKS)
        .execute();
      if (high.length === 0) return [];
      const before = await rows(firstHour - USUAL_MS, firstHour)
        .where("project_id", "in", [...new Set(high.map((row) => row.project_id))])
        .where("ip", "in", [...new Set(high.map((row) => row.ip))])
        .groupBy(["project_id", "ip"])
        .select(["project_id", "ip"])
        .select([
          sum("calls").as("calls"),
          sum("failures").as("failures"),
          sum("refusals").as("refusals"),
          min("hour").as("first"),
        ])
        .execute();
      const usual = new Map(
        before.map((row) => [
          row.project_id + BETWEEN + row.ip,
          averageOf(row, (firstHour - Number(row.first)) / HOUR_MS),
        ]),
      );
      return high.map((row) => ({
        projectId: row.project_id,
        ip: row.ip,
        highest: figuresOf(row),
        usual: usual.get(row.project_id + BETWEEN + row.ip) ?? null,
        firstHourMs: Number(row.first),
        lastHourMs: Number(row.last),
      }));
    },

    async removeExpired() {
      await sql.db
        .deleteFrom("log_hours")
        .where("hour", "<", clock.now() - KEPT_MS)
        .execute();
    },

    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

/** Sums and highest values come as text from PostgreSQL. */
type Sums = Readonly<Record<keyof HourFigures, string | number | bigint>>;

function figuresOf({ calls, failures, refusals }: Sums): HourFigures {
  return { calls: Number(calls), failures: Number(failures), refusals: Number(refusals) };
}

function averageOf(sums: Sums, hours: number): HourFigures {
  const { calls, failures, refusals } = figuresOf(sums);
  return { calls: calls / hours, failures: failures / hours, refusals: refusals / hours };
}
