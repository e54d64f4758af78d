import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { LogEntry, NewLogEntry } from "./log-entry.ts";

export interface LogBuffer {
  /** Takes a line; it is on its way to the store within `flushIntervalMs`. Costs the caller an array push. */
  add(entry: NewLogEntry): void;
  /** Resolves when everything added so far is stored. */
  flush(): Promise<void>;
  /** Flushes and takes nothing more. */
  close(): Promise<void>;
  /** Lines that could not be kept because the store failed for too long; shows on the metrics page. */
  readonly droppedEntries: number;
}

export interface LogBufferOptions {
  readonly createId: (timeMs: number) => string;
  readonly write: (entries: readonly LogEntry[]) => Promise<void>;
  /** Told of lines that have been stored, for live tails. */
  readonly onStored: (entries: readonly LogEntry[]) => void;
  readonly onError: (error: unknown) => void;
  readonly flushIntervalMs?: number;
}

const FLUSH_INTERVAL_MS = 200;
/**
 * Rows of one insert: enough to amortise the transaction and the message to the thread that makes it (a fifth less than
 * with 100), few enough not to hold the event loop (about a millisecond).
 */
const MAX_BATCH_ENTRIES = 500;
/** So many lines do not wait for the interval: those of a flood would fill the heap, and be copied by each collection. */
const MANY_ENTRIES = 1000;
/**
 * SQLite answers within the turn, so batches would follow each other without end: after each, everybody else has the event
 * loop for twice as long. With very many lines waiting the memory matters more, and each batch is followed by one turn.
 */
const REST_MS = 2;
const MAX_RESTING_ENTRIES = 50_000;
/** Memory bound while the store is away: about 100 MB of lines. */
const MAX_BUFFERED_ENTRIES = 200_000;

/**
 * Collects log lines and stores them in batches, off the path of the requests that they tell of. A batch that the store
 * refuses is tried again with the next; lines are dropped, and counted, only when the buffer is full.
 */
export function createLogBuffer(options: LogBufferOptions): LogBuffer {
  const flushIntervalMs = options.flushIntervalMs ?? FLUSH_INTERVAL_MS;
  const waiting: LogEntry[] = [];
  let droppedEntries = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let closed = false;

  function schedule(delayMs = flushIntervalMs): void {
    if (timer !== undefined || running !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void flush();
    }, delayMs);
  }

  function hurry(): void {
    clearTimeout(timer);
    timer = undefined;
    schedule(0);
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH_ENTRIES);
      try {
        await options.write(batch);
      } catch (error) {
        options.onError(error);
        return;
      }
      waiting.splice(0, batch.length);
      options.onStored(batch);
      if (waiting.length === 0) return;
      if (closed || waiting.length > MAX_RESTING_ENTRIES) await nextTurn();
      else await delay(REST_MS);
    }
  }

  async function flush(): Promise<void> {
    // A running drain takes what was added before it ends; what comes after its last look is drained by this one.
    while (running !== undefined) await running;
    running = drain().finally(() => {
      running = undefined;
      if (waiting.length > 0) schedule();
    });
    await running;
  }

  return {
    add(entry) {
      if (waiting.length >= MAX_BUFFERED_ENTRIES) {
        droppedEntries++;
        return;
      }
      waiting.push({
        id: options.createId(entry.time),
        projectId: entry.projectId,
        time: entry.time,
        kind: entry.kind,
        level: entry.level,
        message: entry.message,
        requestId: entry.requestId ?? null,
        functionName: entry.functionName ?? null,
        environment: entry.environment ?? null,
        version: entry.version ?? null,
        method: entry.method ?? null,
        path: entry.path ?? null,
        status: entry.status ?? null,
        latencyMs: entry.latencyMs ?? null,
        keyId: entry.keyId ?? null,
        ip: entry.ip ?? null,
        region: entry.region ?? null,
      });
      if (waiting.length === MANY_ENTRIES) hurry();
      else schedule();
    },
    flush,
    async close() {
      closed = true;
      clearTimeout(timer);
      timer = undefined;
      await flush();
    },
    get droppedEntries() {
      return droppedEntries;
    },
  };
}
