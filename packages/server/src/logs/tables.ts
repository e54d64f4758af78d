import type { SqlMigrations } from "../kernel/sql/index.ts";

/** Log lines; the columns are those of `LogEntry`. */
export interface LogTables {
  logs: {
    id: string;
    project_id: string;
    time: number;
    kind: string;
    level: string;
    message: string;
    request_id: string | null;
    function_name: string | null;
    environment: string | null;
    version: number | null;
    method: string | null;
    path: string | null;
    status: number | null;
    /** Whole microseconds. */
    latency_us: number | null;
    key_id: string | null;
    ip: string | null;
    region: string | null;
  };
  /** Requests by the hour: what is usual is known without reading the log. */
  log_hours: {
    project_id: string;
    /** When it began, in UTC. */
    hour: number;
    /** Empty: of all addresses together. */
    ip: string;
    calls: number;
    /** Of them, answered with 5xx. */
    failures: number;
    /** Of them, answered with 401, 403 or 429. */
    refusals: number;
  };
}

export const logMigrations: SqlMigrations = {
  "0001_logs": {
    async up(db, { text, integer, clustered }) {
      await db.schema
        .createTable("logs")
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("id", text, (column) => column.notNull())
        .addColumn("time", integer, (column) => column.notNull())
        .addColumn("kind", text, (column) => column.notNull())
        .addColumn("level", text, (column) => column.notNull())
        .addColumn("message", text, (column) => column.notNull())
        .addColumn("request_id", text)
        .addColumn("function_name", text)
        .addColumn("environment", text)
        .addColumn("version", integer)
        .addColumn("method", text)
        .addColumn("path", text)
        .addColumn("status", integer)
        .addColumn("latency_us", integer)
        .addColumn("key_id", text)
        .addColumn("ip", text)
        .addColumn("region", text)
        // Lines of one project lie together and in order of time, which is how they are read.
        .addPrimaryKeyConstraint("logs_key", ["project_id", "id"])
        .modifyEnd(clustered)
        .execute();
      await db.schema.createIndex("logs_request").on("logs").columns(["request_id"]).execute();
    },
  },
  "0062_log_hours": {
    async up(db, { text, integer, clustered }) {
      await db.schema
        .createTable("log_hours")
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("hour", integer, (column) => column.notNull())
        .addColumn("ip", text, (column) => column.notNull())
        .addColumn("calls", integer, (column) => column.notNull())
        .addColumn("failures", integer, (column) => column.notNull())
        .addColumn("refusals", integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("log_hours_key", ["project_id", "hour", "ip"])
        .modifyEnd(clustered)
        .execute();
      await db.schema.createIndex("log_hours_hour").on("log_hours").column("hour").execute();
    },
  },
};
