import type { FunctionEnvironment } from "@aerostack/contracts";
import type { RuntimeEvent, TailEntry } from "@aerostack/runtime";
import type { NewLogEntry } from "../logs/log-entry.ts";

function partsOfKey(key: string | null): Pick<NewLogEntry, "functionName" | "environment" | "version"> {
  if (key === null) return {};
  const [functionName = null, environment, version] = key.split("@");
  return { functionName, environment: environment as FunctionEnvironment, version: Number(version) };
}

/** What a function said or threw, as a line of its project's log. */
export function logEntryOfTail(entry: TailEntry): NewLogEntry {
  const stack = entry.exception?.stack;
  return {
    projectId: entry.projectId,
    time: entry.time,
    kind: entry.kind,
    level: entry.level,
    message: stack === undefined || stack === null ? entry.message : `${entry.message}\n${stack}`,
    requestId: entry.requestId,
    ...partsOfKey(entry.functionKey),
  };
}

/** What happened to a project's process, as a line of its log; null for what only the operator's metrics tell. */
export function logEntryOfEvent(event: RuntimeEvent): NewLogEntry | null {
  const base = { projectId: event.projectId, time: event.time, kind: "event" as const };
  switch (event.type) {
    case "process.failed":
      return { ...base, level: "error", message: `${event.code}: ${event.message}`, ...partsOfKey(event.functionKey) };
    case "process.backoff":
      return {
        ...base,
        level: "error",
        message: `FUNCTION_BACKOFF: the functions crashed ${event.failures} times; the next start is in ${Math.ceil(event.retryAfterMs / 1000)} s.`,
      };
    case "egress.blocked":
      return {
        ...base,
        level: "warn",
        message: `EGRESS_BLOCKED: a request to ${event.host} was refused: ${event.reason}`,
      };
    case "egress.limited":
      return { ...base, level: "warn", message: `EGRESS_LIMIT_EXCEEDED: a request to ${event.host} was refused.` };
    case "process.started":
    case "process.stopped":
      return null;
  }
}
