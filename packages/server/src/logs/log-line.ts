import type { LogLine } from "@aerostack/contracts";
import type { LogEntry } from "./log-entry.ts";

/** A log line as interfaces show it. */
export function toLogLine(entry: LogEntry): LogLine {
  return {
    id: entry.id,
    time: new Date(entry.time).toISOString(),
    kind: entry.kind,
    level: entry.level,
    message: entry.message,
    requestId: entry.requestId,
    function: entry.functionName,
    env: entry.environment,
    version: entry.version,
    method: entry.method,
    path: entry.path,
    status: entry.status,
    latencyMs: entry.latencyMs,
    keyId: entry.keyId,
    ip: entry.ip,
    region: entry.region,
  };
}
