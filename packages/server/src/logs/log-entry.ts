import type { FunctionEnvironment } from "@aerostack/contracts";

export const LOG_KINDS = ["request", "console", "exception", "event"] as const;
export type LogKind = (typeof LOG_KINDS)[number];

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One line of a project's log: a served request, or something that a function said or did while serving it. */
export interface LogEntry {
  /** Sorts by time. */
  readonly id: string;
  readonly projectId: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly kind: LogKind;
  readonly level: LogLevel;
  readonly message: string;
  readonly requestId: string | null;
  readonly functionName: string | null;
  readonly environment: FunctionEnvironment | null;
  readonly version: number | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly status: number | null;
  readonly latencyMs: number | null;
  /** Id of the API key that called; never the key. */
  readonly keyId: string | null;
  readonly ip: string | null;
  /** Approximate region of the caller, where it is known. */
  readonly region: string | null;
}

/** A log line before it has an id; what is left out is null. */
export type NewLogEntry = Pick<LogEntry, "projectId" | "time" | "kind" | "level" | "message"> &
  Partial<Omit<LogEntry, "id">>;
