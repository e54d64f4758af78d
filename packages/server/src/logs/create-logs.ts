import type { Clock } from "@aerostack/kernel";
import type { Bus } from "../kernel/bus/bus.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createHourCounts } from "./hour-counts.ts";
import { createLogBuffer } from "./log-buffer.ts";
import type { LogEntry } from "./log-entry.ts";
import type { LogTail } from "./log-tail.ts";
import { createMonotonicIds } from "./monotonic-ids.ts";
import { createLogStore } from "./store.ts";
import type { LogTables } from "./tables.ts";

export interface LogsOptions {
  readonly sql: Sql<unknown>;
  readonly bus: Bus;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
}

const TOPIC_PREFIX = "logs:";

/**
 * Responsible for what a project's log holds: served requests, and what its functions said. It never decides what is worth
 * a line; whoever serves says so.
 */
export function createLogs({ sql, bus, clock, onError }: LogsOptions) {
  const store = createLogStore(sql.withTables<LogTables>());

  const hours = createHourCounts({ sql: sql.withTables<LogTables>(), clock, onError });

  const buffer = createLogBuffer({
    createId: createMonotonicIds("log"),
    write: store.insert,
    onStored(entries) {
      hours.add(entries);
      for (const [projectId, own] of Map.groupBy(entries, (entry) => entry.projectId)) {
        bus.publish(`${TOPIC_PREFIX}${projectId}`, own);
      }
    },
    onError,
  });

  const followers = new Set<() => void>();
  const tail: LogTail = {
    subscribe(projectId, onEntries, onEnd) {
      const end = bus.subscribe(`${TOPIC_PREFIX}${projectId}`, (message) => onEntries(message as readonly LogEntry[]));
      followers.add(onEnd);
      return () => {
        followers.delete(onEnd);
        end();
      };
    },
    close() {
      for (const onEnd of [...followers]) onEnd();
    },
  };

  return { store, buffer, tail, hours };
}

export type Logs = ReturnType<typeof createLogs>;
