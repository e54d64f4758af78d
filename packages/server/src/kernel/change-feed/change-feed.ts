import { AerostackError } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Bus } from "../bus/bus.ts";
import type { Sql } from "../sql/index.ts";
import type { ChangeFeedTables } from "./tables.ts";

/**
 * Tells caches on every server what changed in the database, within a second and without asking about each entry.
 *
 * A change is written, in the transaction that makes it, under the next number of a counter; the counter's row lock makes
 * numbers visible in order. A server that uses its caches reads the feed at most twice a second, whatever the load, and
 * not at all when idle. The bus carries changes sooner; it may lose them, the feed does not.
 */
export interface ChangeFeed {
  /**
   * Runs `work` in a transaction and makes known that `subjects` (such as `key:…` or `project:…`) changed: to this
   * process before the promise resolves, to others within a second.
   */
  commit<Tables, Result>(
    sql: Sql<Tables>,
    subjects: readonly string[],
    work: (trx: Kysely<Tables>) => Promise<Result>,
  ): Promise<Result>;
  /**
   * True when every change older than `MAX_STALENESS_MS` is known here; else a promise of that, which rejects with
   * SERVICE_UNAVAILABLE when the database does not answer: better no answer than one from a revoked key.
   */
  ensureFresh(): true | Promise<void>;
  /** `null`: too much changed, or too long ago, to say what: everything may have. */
  onChange(handler: (subjects: readonly string[] | null) => void): void;
  /** Grows with every change that becomes known here: what was read before is not to be cached after. */
  readonly version: number;
}

export const MAX_STALENESS_MS = 1_000;
const REFRESH_AFTER_MS = 500;
const KEPT_MS = 60 * 60_000;
/** A server that looked away for this long starts afresh; well below `KEPT_MS`, so that clocks may differ. */
const MAX_GAP_MS = 10 * 60_000;
const MAX_CHANGES_READ = 1_000;
const BUS_TOPIC = "changes";
const SENDER_CHARACTERS = 12;

interface BusMessage {
  /** The feed that told its own process already. */
  readonly from: string;
  readonly subjects: readonly string[];
}

export interface ChangeFeedOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly bus: Bus;
}

export function createChangeFeed({ sql: untyped, clock, bus }: ChangeFeedOptions): ChangeFeed {
  const sql = untyped.withTables<ChangeFeedTables>();
  const handlers: ((subjects: readonly string[] | null) => void)[] = [];
  let version = 0;
  let seenEpoch: number | undefined;
  /** When the newest read began that ended well: everything committed before is known. */
  let freshAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  function tell(subjects: readonly string[] | null): void {
    if (subjects?.length === 0) return;
    version++;
    for (const handler of handlers) handler(subjects);
  }
  const sender = randomText(SENDER_CHARACTERS);
  bus.subscribe(BUS_TOPIC, (message) => {
    const { from, subjects } = message as BusMessage;
    if (from !== sender) tell(subjects);
  });

  async function record<Tables>(trx: Kysely<Tables>, subjects: readonly string[]): Promise<void> {
    const feed = trx.withTables<ChangeFeedTables>() as unknown as Kysely<ChangeFeedTables>;
    const now = clock.now();
    const { epoch } = await feed
      .updateTable("change_feed_epoch")
      .set((eb) => ({ epoch: eb("epoch", "+", 1) }))
      .where("id", "=", 1)
      .returning("epoch")
      .executeTakeFirstOrThrow();
    const rows = [...new Set(subjects)].map((subject) => ({ epoch, subject, changed_at: now }));
    await feed.insertInto("change_feed").values(rows).execute();
    await feed
      .deleteFrom("change_feed")
      .where("changed_at", "<", now - KEPT_MS)
      .execute();
  }

  async function read(): Promise<void> {
    const startedAtMs = clock.now();
    const { epoch } = await sql.db.selectFrom("change_feed_epoch").select("epoch").executeTakeFirstOrThrow();
    if (seenEpoch === undefined || startedAtMs - freshAtMs > MAX_GAP_MS) tell(null);
    else if (epoch !== seenEpoch) {
      const rows = await sql.db
        .selectFrom("change_feed")
        .select("subject")
        .where("epoch", ">", seenEpoch)
        .where("epoch", "<=", epoch)
        .limit(MAX_CHANGES_READ)
        .execute();
      tell(rows.length === MAX_CHANGES_READ ? null : rows.map(({ subject }) => subject));
    }
    seenEpoch = epoch;
    freshAtMs = startedAtMs;
  }

  function startReading(): Promise<void> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    async commit(target, subjects, work) {
      const result = await target.transaction(async (trx) => {
        const value = await work(trx);
        await record(trx, subjects);
        return value;
      });
      tell(subjects);
      bus.publish(BUS_TOPIC, { from: sender, subjects } satisfies BusMessage);
      return result;
    },
    ensureFresh() {
      const age = clock.now() - freshAtMs;
      if (age >= MAX_STALENESS_MS) {
        return startReading().catch((cause: unknown) => {
          throw new AerostackError("SERVICE_UNAVAILABLE", { cause, retryAfterSeconds: 1 });
        });
      }
      // A failure here is met by the next call that finds the state too old.
      if (age >= REFRESH_AFTER_MS) startReading().catch(() => undefined);
      return true;
    },
    onChange: (handler) => void handlers.push(handler),
    get version() {
      return version;
    },
  };
}
