import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "./change-feed.ts";

/** What was found, and what makes it untrue. */
export interface Finding<Value> {
  readonly value: Value;
  /** Milliseconds since the epoch; null: true until a change says otherwise. */
  readonly expiresAtMs: number | null;
  /** What changes are announced for, such as `session:…`. */
  readonly subjects: readonly string[];
}

/** A store seen through memory: answers at once what was asked lately, and is never older than the change feed allows. */
export interface CachedLookup<Value> {
  /** @throws SERVICE_UNAVAILABLE when the database does not answer and nothing fresh is known. */
  find(key: string): Value | null | Promise<Value | null>;
}

export interface CachedLookupOptions<Value> {
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  /** Asks the store; null: there is nothing. */
  readonly find: (key: string) => Promise<Finding<Value> | null>;
  /** Beyond it those found longest ago are forgotten. */
  readonly maxEntries?: number;
}

interface Entry<Value> {
  readonly key: string;
  readonly finding: Finding<Value>;
}

const DEFAULT_MAX_ENTRIES = 20_000;
/** Keys of which nothing was found: a flood of one of them does not become a flood of queries. */
const MAX_ABSENT = 10_000;
const ABSENT_TTL_MS = 1_000;

export function createCachedLookup<Value>(options: CachedLookupOptions<Value>): CachedLookup<Value> {
  const { clock, changes, maxEntries = DEFAULT_MAX_ENTRIES } = options;
  const entries = new Map<string, Entry<Value>>();
  const bySubject = new Map<string, Set<Entry<Value>>>();
  const absentUntilMs = new Map<string, number>();
  const asking = new Map<string, Promise<Value | null>>();

  changes.onChange((subjects) => {
    absentUntilMs.clear();
    const affected =
      subjects === null ? [...entries.values()] : subjects.flatMap((subject) => [...(bySubject.get(subject) ?? [])]);
    for (const entry of affected) drop(entry);
  });

  function drop(entry: Entry<Value>): void {
    entries.delete(entry.key);
    for (const subject of entry.finding.subjects) {
      const set = bySubject.get(subject);
      set?.delete(entry);
      if (set?.size === 0) bySubject.delete(subject);
    }
  }

  function keep(key: string, finding: Finding<Value>): void {
    const entry = { key, finding };
    entries.set(key, entry);
    for (const subject of finding.subjects) bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(entry));
    if (entries.size <= maxEntries) return;
    const [oldest] = entries.values();
    if (oldest !== undefined) drop(oldest);
  }

  async function ask(key: string): Promise<Value | null> {
    const versionBefore = changes.version;
    const finding = await options.find(key);
    // A change that became known while the store was read may have been about this very key.
    const isFresh = changes.version === versionBefore;
    if (finding === null) {
      if (absentUntilMs.size >= MAX_ABSENT) absentUntilMs.clear();
      if (isFresh) absentUntilMs.set(key, clock.now() + ABSENT_TTL_MS);
      return null;
    }
    if (isFresh) keep(key, finding);
    return finding.value;
  }

  function lookUp(key: string): Value | null | Promise<Value | null> {
    const now = clock.now();
    const entry = entries.get(key);
    if (entry !== undefined) {
      const { value, expiresAtMs } = entry.finding;
      if (expiresAtMs === null || now < expiresAtMs) return value;
      drop(entry);
      return null;
    }
    const absentUntil = absentUntilMs.get(key);
    if (absentUntil !== undefined) {
      if (now < absentUntil) return null;
      absentUntilMs.delete(key);
    }
    let asked = asking.get(key);
    if (asked === undefined) {
      asked = ask(key).finally(() => asking.delete(key));
      asking.set(key, asked);
    }
    return asked;
  }

  return {
    find(key) {
      const fresh = changes.ensureFresh();
      return fresh === true ? lookUp(key) : fresh.then(() => lookUp(key));
    },
  };
}
