import { FIREWALL_HITS_KEPT_DAYS } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Logger } from "../../kernel/log.ts";
import { type Page, type PageRequest, toPage } from "../../kernel/page.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { FrontDoorTables } from "../tables.ts";
import { type FirewallHitRow, type HitKey, hitStore } from "./hit-store.ts";

export interface NewFirewallHit extends HitKey {
  /** Null: of no project, or of the management interface. */
  readonly projectId: string | null;
  readonly requestId: string;
  readonly ip: string | null;
  readonly region: string | null;
}

/** What the firewall found, counted by day: a flood of attacks makes counts grow, not the table. */
export interface HitLog {
  /** Costs the caller a map entry; stored within seconds, together. */
  add(hit: NewFirewallHit): void;
  /** Resolves when everything added so far is stored. */
  flush(): Promise<void>;
  /** Newest first. */
  list(projectId: string | null, page: PageRequest): Promise<Page<FirewallHitRow>>;
  removeExpired(): Promise<void>;
  close(): Promise<void>;
}

const FLUSH_INTERVAL_MS = 2_000;
const DAY_MS = 24 * 60 * 60_000;
const MAX_PATH_CHARACTERS = 200;
const MAX_PARAMETER_CHARACTERS = 100;
/** Different lines that wait in memory; what comes beyond is counted without path and parameter. */
const MAX_WAITING = 1_000;
/** The same of a project's day in the table: whoever invents paths without end fills no disk. */
export const MAX_LINES_A_DAY = 500;
const NO_PROJECT = "";

export interface HitLogOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

const keyOf = ({ rule, action, path, parameter }: HitKey): string => `${rule} ${action} ${path}\n${parameter}`;
const wholeKeyOf = (row: FirewallHitRow): string => `${row.project_id} ${row.day} ${keyOf(row)}`;
const withoutDetails = (row: FirewallHitRow): FirewallHitRow => ({ ...row, path: "", parameter: "" });

/** What a client wrote, as a table and a terminal can show it. */
function printable(text: string, maxCharacters: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here
  return text.slice(0, maxCharacters).replace(/[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/g, "?");
}

function addTo(lines: Map<string, FirewallHitRow>, row: FirewallHitRow): void {
  const key = wholeKeyOf(row);
  const there = lines.get(key);
  lines.set(
    key,
    there === undefined ? row : { ...row, id: there.id, first_at: there.first_at, count: there.count + row.count },
  );
}

export function createHitLog({ sql: untyped, clock, log }: HitLogOptions): HitLog {
  const sql = untyped.withTables<FrontDoorTables>();
  let waiting = new Map<string, FirewallHitRow>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  function schedule(): void {
    timer ??= setTimeout(() => void flush(), FLUSH_INTERVAL_MS).unref();
  }

  /** The rows of one project's day, those that would be too many without what makes them different. */
  async function bounded(rows: readonly FirewallHitRow[]): Promise<FirewallHitRow[]> {
    const [first] = rows;
    if (first === undefined) return [];
    const known = new Set((await hitStore.keysOf(sql.db, first.project_id, first.day)).map(keyOf));
    const lines = new Map<string, FirewallHitRow>();
    for (const row of rows) {
      const fits = known.has(keyOf(row)) || known.size < MAX_LINES_A_DAY;
      const line = fits ? row : withoutDetails(row);
      known.add(keyOf(line));
      addTo(lines, line);
    }
    return [...lines.values()];
  }

  async function write(rows: readonly FirewallHitRow[]): Promise<void> {
    const days = Map.groupBy(rows, (row) => `${row.project_id} ${row.day}`);
    for (const ofDay of days.values()) {
      for (const row of await bounded(ofDay)) await hitStore.add(sql.db, row);
    }
  }

  async function store(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const taken = waiting;
    waiting = new Map();
    try {
      await write([...taken.values()]);
    } catch (err) {
      // Counts that were stored before the failure are not stored twice: what is left out is less than what is invented.
      log.warn({ err, lines: taken.size }, "hits of the firewall were not stored");
    }
  }

  async function flush(): Promise<void> {
    while (running !== undefined) await running;
    running = store().finally(() => {
      running = undefined;
    });
    await running;
  }

  return {
    add({ projectId, requestId, ip, region, ...hit }) {
      const now = clock.now();
      const row: FirewallHitRow = {
        id: createId("fwh", now),
        project_id: projectId ?? NO_PROJECT,
        day: now - (now % DAY_MS),
        rule: hit.rule,
        action: hit.action,
        path: printable(hit.path, MAX_PATH_CHARACTERS),
        parameter: printable(hit.parameter, MAX_PARAMETER_CHARACTERS),
        count: 1,
        first_at: now,
        last_at: now,
        last_request_id: requestId,
        last_ip: ip,
        last_region: region,
      };
      const fits = waiting.size < MAX_WAITING || waiting.has(wholeKeyOf(row));
      addTo(waiting, fits ? row : withoutDetails(row));
      schedule();
    },
    flush,
    async list(projectId, page) {
      return toPage(await hitStore.list(sql.db, projectId ?? NO_PROJECT, page), page.limit);
    },
    async removeExpired() {
      const today = clock.now() - (clock.now() % DAY_MS);
      await hitStore.removeBefore(sql.db, today - FIREWALL_HITS_KEPT_DAYS * DAY_MS);
    },
    async close() {
      await flush();
    },
  };
}
