import { AerostackError } from "@aerostack/contracts";
import type { ChangeFeed } from "./change-feed.ts";

/**
 * A table of the database that is held whole in memory, so that a key that is not in it costs no query either: for what
 * every request asks about and strangers choose the keys of. Never older than the change feed allows.
 */
export interface KeyedSnapshot<Value> {
  /** @throws SERVICE_UNAVAILABLE when the database does not answer and nothing fresh is known. */
  find(key: string): Value | null | Promise<Value | null>;
  /** Everything at once. The map is changed in place; `revision` tells when. */
  all(): ReadonlyMap<string, Value> | Promise<ReadonlyMap<string, Value>>;
  /** Grows with every change of what is held. */
  readonly revision: number;
}

export interface KeyedSnapshotOptions<Value> {
  readonly changes: ChangeFeed;
  /** What a change of a key is announced as, before the key: such as `domain:`. */
  readonly subjectPrefix: string;
  /** Reads these keys, or everything for null. What is not in the answer does not exist. */
  readonly load: (keys: readonly string[] | null) => Promise<ReadonlyMap<string, Value>>;
}

/** So many changed keys that nobody asked for yet are read by reading everything. */
const MAX_STALE_KEYS = 1_000;

export function createKeyedSnapshot<Value>(options: KeyedSnapshotOptions<Value>): KeyedSnapshot<Value> {
  const { changes, subjectPrefix } = options;
  const held = new Map<string, Value>();
  let revision = 0;
  /** What changes named since it was read; null: everything. */
  let stale: Set<string> | null = null;
  /** The same of what is being read now. */
  let beingRead: ReadonlySet<string> | null | undefined;
  let reading: Promise<void> | undefined;

  changes.onChange((subjects) => {
    if (subjects === null) stale = null;
    else for (const subject of subjects) if (subject.startsWith(subjectPrefix)) noteStale(subject);
  });

  function noteStale(subject: string): void {
    stale?.add(subject.slice(subjectPrefix.length));
    if (stale !== null && stale.size > MAX_STALE_KEYS) stale = null;
  }

  const isKnown = (key: string): boolean =>
    stale !== null && !stale.has(key) && (beingRead === undefined || (beingRead !== null && !beingRead.has(key)));
  const isAllKnown = (): boolean => stale?.size === 0 && beingRead === undefined;

  /** Reads what is stale. A key that changes meanwhile is stale again afterwards. */
  async function read(): Promise<void> {
    const wanted = stale;
    beingRead = wanted;
    stale = new Set();
    try {
      const found = await options.load(wanted === null ? null : [...wanted]);
      for (const key of wanted ?? [...held.keys()]) if (!found.has(key)) held.delete(key);
      for (const [key, value] of found) held.set(key, value);
      revision++;
    } catch (cause) {
      stale = union(wanted, stale);
      throw new AerostackError("SERVICE_UNAVAILABLE", { cause, retryAfterSeconds: 1 });
    } finally {
      beingRead = undefined;
      reading = undefined;
    }
  }

  async function readUntil(isFresh: () => boolean): Promise<void> {
    while (!isFresh()) {
      reading ??= read();
      await reading;
    }
  }

  function when<Result>(isFresh: () => boolean, answer: () => Result): Result | Promise<Result> {
    const look = () => (isFresh() ? answer() : readUntil(isFresh).then(answer));
    const fresh = changes.ensureFresh();
    return fresh === true ? look() : fresh.then(look);
  }

  return {
    find: (key) =>
      when(
        () => isKnown(key),
        () => held.get(key) ?? null,
      ),
    all: () => when(isAllKnown, () => held),
    get revision() {
      return revision;
    },
  };
}

function union(a: ReadonlySet<string> | null, b: ReadonlySet<string> | null): Set<string> | null {
  return a === null || b === null ? null : new Set([...a, ...b]);
}
