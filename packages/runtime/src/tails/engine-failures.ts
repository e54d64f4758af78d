import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/**
 * Finds the failures that only the runtime itself sees: a body that breaks off, a request that can never end. It prints
 * every failure of a request on its error output, without saying which request, so those are left out that the
 * function's own report or a tail worker tells of too.
 */
export interface EngineFailures {
  /** `text` ("name: message") has been reported otherwise. */
  known(text: string): void;
}

export interface EngineFailuresOptions {
  readonly onFailure: (name: string, message: string) => void;
  /** Failures that there was no room to look at. */
  readonly onDropped: (count: number) => void;
}

/** Begins what the runtime prints of one event. */
const ENTRY = /^\S+:\d+: (?:info|warning|error|fatal): /;
const FAILURE = /: error: Uncaught exception: /;
const DESCRIPTION = /failed: (?:remote\.)?jsg\.(?:DOM)?(\w+): ([\s\S]*)/;
/** How long a failure waits for its report from elsewhere, and how long a report stands for failures like it. */
const MEETING_MS = 500;
const MAX_WAITING = 100;
const MAX_REPORTS = 2000;
const MAX_LINE_CHARACTERS = 64 * 1024;

export function createEngineFailures(errors: Readable, options: EngineFailuresOptions): EngineFailures {
  const reports = new Map<string, number>();
  const waiting = new Map<string, { name: string; message: string; timer: NodeJS.Timeout }>();
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let failure: string | null = null;

  function settle(text: string): void {
    const found = waiting.get(text);
    waiting.delete(text);
    if (found === undefined) return;
    clearTimeout(found.timer);
    options.onFailure(found.name, found.message);
  }

  function found(description: string): void {
    const match = DESCRIPTION.exec(description);
    if (match === null) return;
    const [, name = "Error", message = ""] = match;
    const text = `${name}: ${message}`;
    const reportedAt = reports.get(text);
    if (waiting.has(text) || (reportedAt !== undefined && performance.now() - reportedAt < MEETING_MS)) return;
    if (waiting.size >= MAX_WAITING) {
      options.onDropped(1);
      return;
    }
    const timer = setTimeout(() => settle(text), MEETING_MS);
    timer.unref();
    waiting.set(text, { name, message, timer });
  }

  /** A message of several lines ends where another entry begins, or with what was printed at once. */
  function end(): void {
    if (failure !== null) found(failure);
    failure = null;
  }

  function line(text: string): void {
    if (ENTRY.test(text)) {
      end();
      failure = FAILURE.test(text) ? text : null;
    } else if (failure !== null && failure.length < MAX_LINE_CHARACTERS) failure += `\n${text}`;
  }

  errors.on("data", (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARACTERS);
    for (const one of lines) line(one);
    if (rest === "") end();
  });
  errors.on("close", () => {
    for (const text of [...waiting.keys()]) settle(text);
  });

  return {
    known(text) {
      // The second is how the runtime prints an exception whose name is the function's own.
      for (const key of [text, `Error: ${text}`]) {
        const open = waiting.get(key);
        if (open !== undefined) clearTimeout(open.timer);
        waiting.delete(key);
        reports.delete(key);
        reports.set(key, performance.now());
      }
      for (const oldest of reports.keys()) {
        if (reports.size <= MAX_REPORTS) break;
        reports.delete(oldest);
      }
    },
  };
}
