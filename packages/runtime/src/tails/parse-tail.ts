import type { TailEntry } from "../types.ts";

const MAX_ENTRIES = 1000;
const MAX_CLOCK_SKEW_MS = 60_000;
const MAX_TEXT = 16_384 + 64;
const LEVELS: ReadonlySet<string> = new Set(["debug", "info", "warn", "error"]);

/** A post of the trusted worker: entries of this project, and how many lines it had to drop. */
export interface TailPost {
  readonly entries: readonly TailEntry[];
  readonly dropped: number;
}

function text(value: unknown, fallback = ""): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : fallback;
}

function nullableText(value: unknown, limit = MAX_TEXT): string | null {
  return typeof value === "string" ? value.slice(0, limit) : null;
}

/**
 * Reads what a process posts of itself. The process runs user code, so nothing is taken on trust: the project comes from
 * the caller, a function key that is not the project's becomes null, and what has the wrong form is left out.
 */
export function parseTailPost(
  body: string,
  projectId: string,
  functionKeys: ReadonlySet<string>,
  now: number,
): TailPost | null {
  let post: { entries?: unknown; dropped?: unknown };
  try {
    post = JSON.parse(body) as typeof post;
  } catch {
    return null;
  }
  if (typeof post !== "object" || post === null || !Array.isArray(post.entries)) return null;
  const entries = post.entries
    .slice(0, MAX_ENTRIES)
    .map((entry: unknown) => parseEntry(entry, projectId, functionKeys, now))
    .filter((entry) => entry !== null);
  const dropped =
    typeof post.dropped === "number" && Number.isSafeInteger(post.dropped) ? Math.max(0, post.dropped) : 0;
  return { entries, dropped };
}

/** Reads one line that a process wrote of itself, with the same distrust; null when it is none. */
export function parseLine(
  json: string,
  projectId: string,
  functionKeys: ReadonlySet<string>,
  now: number,
): TailEntry | null {
  try {
    return parseEntry(JSON.parse(json), projectId, functionKeys, now);
  } catch {
    return null;
  }
}

function parseEntry(
  value: unknown,
  projectId: string,
  functionKeys: ReadonlySet<string>,
  now: number,
): TailEntry | null {
  if (typeof value !== "object" || value === null) return null;
  const raw = value as Readonly<Record<string, unknown>>;
  const functionKey = nullableText(raw.functionKey);
  const exception = raw.exception as Readonly<Record<string, unknown>> | null | undefined;
  const level = text(raw.level, "info");
  return {
    projectId,
    functionKey: functionKey !== null && functionKeys.has(functionKey) ? functionKey : null,
    kind: raw.kind === "exception" ? "exception" : "console",
    level: LEVELS.has(level) ? (level as TailEntry["level"]) : "info",
    time: typeof raw.time === "number" && raw.time > 0 && raw.time <= now + MAX_CLOCK_SKEW_MS ? raw.time : now,
    requestId: nullableText(raw.requestId, 128),
    message: text(raw.message),
    ...(typeof exception === "object" && exception !== null
      ? {
          exception: {
            name: text(exception.name, "Error"),
            message: text(exception.message),
            stack: nullableText(exception.stack),
          },
        }
      : {}),
  };
}
