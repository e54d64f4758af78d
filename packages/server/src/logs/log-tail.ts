import { LOG_LEVELS, type LogEntry } from "./log-entry.ts";
import { toLogLine } from "./log-line.ts";
import type { LogFilter } from "./store.ts";

/** Log lines as they are stored, for those who follow a project live. */
export interface LogTail {
  /** Returns what ends the subscription. `onEnd` is called when the server stops. */
  subscribe(projectId: string, onEntries: (entries: readonly LogEntry[]) => void, onEnd: () => void): () => void;
  /** Ends all subscriptions. */
  close(): void;
}

/** Lines that wait for a slow reader; what does not fit is told as a number. */
const MAX_WAITING_LINES = 5000;
const KEEP_ALIVE_MS = 15_000;

function matches(entry: LogEntry, filter: LogFilter): boolean {
  const text = filter.text?.toLowerCase();
  return (
    (filter.kind === undefined || entry.kind === filter.kind) &&
    (filter.functionName === undefined || entry.functionName === filter.functionName) &&
    (filter.environment === undefined || entry.environment === filter.environment) &&
    (filter.ip === undefined || entry.ip === filter.ip) &&
    (filter.requestId === undefined || entry.requestId === filter.requestId) &&
    (filter.minLevel === undefined || LOG_LEVELS.indexOf(entry.level) >= LOG_LEVELS.indexOf(filter.minLevel)) &&
    (filter.status === undefined ||
      (entry.status !== null && entry.status >= filter.status.from && entry.status <= filter.status.to)) &&
    (text === undefined ||
      entry.message.toLowerCase().includes(text) ||
      (entry.path ?? "").toLowerCase().includes(text))
  );
}

/** A server-sent event stream of the lines that match. A reader that falls behind loses lines and is told how many. */
export function createTailStream(
  tail: LogTail,
  projectId: string,
  filter: LogFilter,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let waiting: string[] = [];
  let lost = 0;
  let wake: (() => void) | undefined;
  let ended = false;
  let unsubscribe = (): void => {};
  let keepAlive: NodeJS.Timeout | undefined;

  function push(text: string): void {
    if (waiting.length >= MAX_WAITING_LINES) lost++;
    else waiting.push(text);
    wake?.();
  }
  function stop(): void {
    ended = true;
    unsubscribe();
    clearInterval(keepAlive);
    wake?.();
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      const onEntries = (entries: readonly LogEntry[]): void => {
        for (const entry of entries) {
          if (matches(entry, filter)) push(`id: ${entry.id}\ndata: ${JSON.stringify(toLogLine(entry))}\n\n`);
        }
      };
      unsubscribe = tail.subscribe(projectId, onEntries, stop);
      keepAlive = setInterval(() => push(": keep-alive\n\n"), KEEP_ALIVE_MS);
      signal.addEventListener("abort", stop, { once: true });
      controller.enqueue(encoder.encode(": following\n\n"));
    },
    async pull(controller) {
      while (waiting.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
      if (ended) {
        controller.close();
        return;
      }
      const lines = waiting.join("") + (lost === 0 ? "" : `event: lost\ndata: {"lines":${lost}}\n\n`);
      waiting = [];
      lost = 0;
      controller.enqueue(encoder.encode(lines));
    },
    cancel: stop,
  });
}
