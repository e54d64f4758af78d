import type { FailedHow } from "../http/function-connection.ts";
import type { TailEntry } from "../types.ts";

/**
 * Tells of the failures that only the runtime itself sees: a body that breaks off, a request that can never end. It says
 * that a request failed and with what, but not which. That is put together here from what others saw: the server knows
 * which requests failed, the function's own process what was thrown where, and what was reported anyway is left out.
 */
export interface EngineFailures {
  /** The runtime failed a request with this. */
  failed(name: string, message: string): void;
  /** An exception that has been reported otherwise. */
  known(entry: TailEntry): void;
  /** An exception that fails its request unless somebody catches it. */
  suspect(entry: TailEntry): void;
  /** A request that the runtime failed. */
  broke(functionKey: string, requestId: string | null, how: FailedHow): void;
  /** Tells at once of everything that still waits. */
  settle(): void;
}

export interface EngineFailuresOptions {
  readonly onFailure: (failure: Pick<TailEntry, "functionKey" | "requestId" | "message" | "exception">) => void;
  /** Failures that there was no room to look at. */
  readonly onDropped: (count: number) => void;
}

interface Waiting {
  readonly name: string;
  readonly message: string;
  readonly how: FailedHow;
  count: number;
  readonly timer: NodeJS.Timeout;
}

interface Broken {
  readonly functionKey: string;
  readonly requestId: string | null;
  readonly how: FailedHow;
  readonly at: number;
}

interface Seen {
  readonly entry: TailEntry;
  readonly at: number;
}

/** How long a failure waits for what others saw of it, and how long that stands for failures like it. */
const MEETING_MS = 500;
/** A receiver that reads slowly learns late that the rest does not come. */
const SUSPECT_MS = 60_000;
const MAX_WAITING = 100;
const MAX_SEEN = 2000;
/** So much of a text tells it from others. */
const COMPARED_CHARACTERS = 2000;
const NEVER_ANSWERS = "would never generate a response";

/** The list without its first entries that are too old or too many. */
function recent<T extends { readonly at: number }>(list: readonly T[], maxAgeMs: number): T[] {
  const oldest = performance.now() - maxAgeMs;
  return list.slice(-MAX_SEEN).filter((one) => one.at >= oldest);
}

/** True when the runtime's text is that of an exception; a name of the function's own stands behind "Error" there. */
function isSame(text: string, entry: TailEntry): boolean {
  const own = entry.message.slice(0, COMPARED_CHARACTERS);
  return text === own || text === `Error: ${own}`.slice(0, COMPARED_CHARACTERS);
}

const isOf = (entry: TailEntry, other: Pick<TailEntry, "requestId" | "functionKey">): boolean =>
  entry.requestId === other.requestId && entry.functionKey === other.functionKey;

export function createEngineFailures({ onFailure, onDropped }: EngineFailuresOptions): EngineFailures {
  const waiting = new Map<string, Waiting>();
  let reports: Seen[] = [];
  let suspects: Seen[] = [];
  let brokenOnes: Broken[] = [];

  function settle(text: string): void {
    const found = waiting.get(text);
    waiting.delete(text);
    if (found === undefined) return;
    clearTimeout(found.timer);
    reports = recent(reports, 2 * MEETING_MS);
    suspects = recent(suspects, SUSPECT_MS);
    brokenOnes = recent(brokenOnes, 2 * MEETING_MS).filter((one) => !reports.some(({ entry }) => isOf(entry, one)));
    const alike = suspects.filter(({ entry }) => isSame(text, entry) && !isReported(entry));
    const failed = alike.filter(({ entry }) => brokenOnes.some((one) => one.requestId === entry.requestId));
    const others = alike.filter((one) => !failed.includes(one)).reverse();
    const certain = failed.slice(0, found.count);
    const left = found.count - certain.length - reports.filter(({ entry }) => isSame(text, entry)).length;
    const likely = others.slice(0, Math.max(0, left));
    tellSuspects([...certain, ...likely]);
    if (left > likely.length) tellUnexplained(found, left - likely.length);
  }

  function isReported(suspect: TailEntry): boolean {
    return reports.some(({ entry }) => isOf(entry, suspect) && entry.message === suspect.message);
  }

  /** Those whose exception was seen when it was thrown. */
  function tellSuspects(chosen: readonly Seen[]): void {
    for (const { entry } of chosen) {
      onFailure(entry);
      const position = brokenOnes.findIndex((one) => one.requestId === entry.requestId);
      if (position !== -1) brokenOnes.splice(position, 1);
    }
    suspects = suspects.filter((one) => !chosen.includes(one));
  }

  /** Those that nobody but the runtime saw: given to requests that failed only where there is no doubt. */
  function tellUnexplained({ name, message, how }: Waiting, count: number): void {
    const open = brokenOnes.filter((one) => one.how === how && !suspects.some(({ entry }) => isOf(entry, one)));
    const hasRivals = [...waiting].some(
      ([text, other]) => other.how === how && !suspects.some(({ entry }) => isSame(text, entry)),
    );
    const isCertain = !hasRivals && open.length > 0 && open.length <= count;
    const keys = new Set(open.map((one) => one.functionKey));
    const [onlyKey = null] = keys.size === 1 ? keys : [];
    const told = isCertain ? open : [{ functionKey: onlyKey, requestId: null }];
    if (isCertain) brokenOnes = brokenOnes.filter((one) => !open.includes(one));
    for (const { functionKey, requestId } of told) {
      onFailure({
        functionKey,
        requestId,
        message: `${name}: ${message}`,
        exception: { name, message, stack: null },
      });
    }
  }

  return {
    failed(name, message) {
      const text = `${name}: ${message}`.slice(0, COMPARED_CHARACTERS);
      const known = waiting.get(text);
      if (known !== undefined) {
        known.count++;
        return;
      }
      if (waiting.size >= MAX_WAITING) {
        onDropped(1);
        return;
      }
      const timer = setTimeout(() => settle(text), MEETING_MS);
      timer.unref();
      const how = message.includes(NEVER_ANSWERS) ? "refused" : "broken-off";
      waiting.set(text, { name, message, how, count: 1, timer });
    },
    known(entry) {
      reports.push({ entry, at: performance.now() });
      if (reports.length > 2 * MAX_SEEN) reports = recent(reports, 2 * MEETING_MS);
    },
    suspect(entry) {
      suspects.push({ entry, at: performance.now() });
      if (suspects.length > 2 * MAX_SEEN) suspects = recent(suspects, SUSPECT_MS);
    },
    broke(functionKey, requestId, how) {
      brokenOnes.push({ functionKey, requestId, how, at: performance.now() });
      if (brokenOnes.length > 2 * MAX_SEEN) brokenOnes = recent(brokenOnes, 2 * MEETING_MS);
    },
    settle() {
      for (const text of [...waiting.keys()]) settle(text);
    },
  };
}
