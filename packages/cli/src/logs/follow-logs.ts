import { type LogLine, logEntrySchema } from "@aerostack/contracts";
import { type ApiClient, apiPath, type Query } from "../api/api-client.ts";
import { readServerSentEvents } from "../api/server-sent-events.ts";
import { CliError } from "../command/cli-error.ts";

/** Waits between attempts to connect again, doubling up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export interface FollowOptions {
  readonly api: ApiClient;
  readonly projectId: string;
  readonly filter: Query;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onEntry: (entry: LogLine) => void;
  /** The stream is open; `again`: after a break, during which entries may have been missed. */
  readonly onConnected?: (again: boolean) => void;
  /** The stream broke and will be opened again. */
  readonly onInterrupted: (reason: string) => void;
}

/** Follows a project's log until the signal aborts; connects again when the stream breaks. */
export async function followLogs(options: FollowOptions): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  let connections = 0;
  while (!options.signal.aborted) {
    try {
      await followOnce(options, () => {
        pauseMs = FIRST_PAUSE_MS;
        connections += 1;
        options.onConnected?.(connections > 1);
      });
      if (!options.signal.aborted) options.onInterrupted("the server ended the stream");
    } catch (error) {
      if (options.signal.aborted) return;
      // Neither a wrong key nor a project that is gone gets better by waiting.
      if (error instanceof CliError && error.kind !== "server") throw error;
      options.onInterrupted(error instanceof Error ? error.message : String(error));
    }
    await options.sleep(pauseMs, options.signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function followOnce(
  { api, projectId, filter, signal, onEntry }: FollowOptions,
  onOpen: () => void,
): Promise<void> {
  const response = await api.open("GET", apiPath("projects", projectId, "logs", "tail"), {
    query: filter,
    headers: { accept: "text/event-stream" },
    timeoutMs: Number.POSITIVE_INFINITY,
    signal,
  });
  if (response.body === null) return;
  onOpen();
  for await (const { data } of readServerSentEvents(response.body)) {
    const entry = parseEntry(data);
    if (entry !== undefined) onEntry(entry);
  }
}

/** Undefined for what is no entry, such as a greeting or a count of what was dropped. */
function parseEntry(data: string): LogLine | undefined {
  try {
    const parsed = logEntrySchema.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
