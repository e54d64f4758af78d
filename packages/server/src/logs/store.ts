import type { FunctionEnvironment } from "@aerostack/contracts";
import { sql as raw, type Selectable } from "kysely";
import type { Sql } from "../kernel/sql/index.ts";
import { LOG_LEVELS, type LogEntry, type LogKind, type LogLevel } from "./log-entry.ts";
import type { LogTables } from "./tables.ts";

/** What of a project's log is asked for; everything given must hold. */
export interface LogFilter {
  readonly kind?: LogKind;
  readonly functionName?: string;
  readonly environment?: FunctionEnvironment;
  /** This level and those above it. */
  readonly minLevel?: LogLevel;
  /** One status (404) or a class of them (4xx). */
  readonly status?: { readonly from: number; readonly to: number };
  /** Part of the message or the path, in any case. */
  readonly text?: string;
  readonly requestId?: string;
  /** The caller's address. */
  readonly ip?: string;
  /** Milliseconds since the Unix epoch, inclusive. */
  readonly since?: number;
  /** Milliseconds since the Unix epoch, exclusive. */
  readonly until?: number;
}

const MICROSECONDS_PER_MS = 1000;

function entryOf(row: Selectable<LogTables["logs"]>): LogEntry {
  return {
    id: row.id,
    projectId: row.project_id,
    time: row.time,
    kind: row.kind as LogKind,
    level: row.level as LogLevel,
    message: row.message,
    requestId: row.request_id,
    functionName: row.function_name,
    environment: row.environment as FunctionEnvironment | null,
    version: row.version,
    method: row.method,
    path: row.path,
    status: row.status,
    latencyMs: row.latency_us === null ? null : row.latency_us / MICROSECONDS_PER_MS,
    keyId: row.key_id,
    ip: row.ip,
    region: row.region,
  };
}

function rowOf(entry: LogEntry) {
  return {
    id: entry.id,
    project_id: entry.projectId,
    time: entry.time,
    kind: entry.kind,
    level: entry.level,
    message: entry.message,
    request_id: entry.requestId,
    function_name: entry.functionName,
    environment: entry.environment,
    version: entry.version,
    method: entry.method,
    path: entry.path,
    status: entry.status,
    latency_us: entry.latencyMs === null ? null : Math.round(entry.latencyMs * MICROSECONDS_PER_MS),
    key_id: entry.keyId,
    ip: entry.ip,
    region: entry.region,
  };
}

/** A LIKE pattern that finds the text itself, whatever `%` and `_` it holds. */
function containsPattern(text: string): string {
  return `%${text.toLowerCase().replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
}

export function createLogStore(sql: Sql<LogTables>) {
  const { db } = sql;
  return {
    async insert(entries: readonly LogEntry[]): Promise<void> {
      await sql.insertMany("logs", entries.map(rowOf), { ignoreDuplicates: true });
    },

    /** Newest first; `before` is the id of the last line of the page before. */
    async query(projectId: string, filter: LogFilter, limit: number, before?: string): Promise<LogEntry[]> {
      let query = db.selectFrom("logs").selectAll().where("project_id", "=", projectId);
      if (before !== undefined) query = query.where("id", "<", before);
      if (filter.kind !== undefined) query = query.where("kind", "=", filter.kind);
      if (filter.functionName !== undefined) query = query.where("function_name", "=", filter.functionName);
      if (filter.environment !== undefined) query = query.where("environment", "=", filter.environment);
      if (filter.requestId !== undefined) query = query.where("request_id", "=", filter.requestId);
      if (filter.ip !== undefined) query = query.where("ip", "=", filter.ip);
      if (filter.since !== undefined) query = query.where("time", ">=", filter.since);
      if (filter.until !== undefined) query = query.where("time", "<", filter.until);
      if (filter.status !== undefined) {
        query = query.where("status", ">=", filter.status.from).where("status", "<=", filter.status.to);
      }
      if (filter.minLevel !== undefined) {
        query = query.where("level", "in", LOG_LEVELS.slice(LOG_LEVELS.indexOf(filter.minLevel)));
      }
      if (filter.text !== undefined) {
        const pattern = containsPattern(filter.text);
        query = query.where(
          raw<boolean>`(lower(message) like ${pattern} escape '\\' or lower(coalesce(path, '')) like ${pattern} escape '\\')`,
        );
      }
      const rows = await query.orderBy("id", "desc").limit(limit).execute();
      return rows.map(entryOf);
    },

    async count(projectId: string, kind: LogKind): Promise<number> {
      const { count } = await db
        .selectFrom("logs")
        .select((select) => select.fn.countAll().as("count"))
        .where("project_id", "=", projectId)
        .where("kind", "=", kind)
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    async deleteProject(projectId: string): Promise<void> {
      await db.deleteFrom("logs").where("project_id", "=", projectId).execute();
      await db.deleteFrom("log_hours").where("project_id", "=", projectId).execute();
    },
  };
}

export type LogStore = ReturnType<typeof createLogStore>;
