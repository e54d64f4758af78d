import type { JobStatus } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { HostDatabase } from "../state/host-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { createDueAlarm, type Timers } from "./due-alarm.ts";
import {
  endJob,
  endJobLeases,
  findDuplicate,
  findJob,
  freeDedupeKey,
  hasEndedLease,
  insertJob,
  type NewJob,
  takeBackJobs,
} from "./job-store.ts";
import { decodeMessageId } from "./message-id.ts";
import { createPendingQueues, type QueueName } from "./pending-queues.ts";
import type { LeasedQueueMessage, NewQueueMessage, QueueMetrics } from "./queue-message.ts";
import { queueStatements } from "./queue-statements.ts";
import {
  findQueue,
  isJobsOwn,
  leaseMessages,
  moveMessages,
  nextDueAt,
  type QueueRetry,
  type RetryPolicy,
  removeMessage,
  type SettleResult,
  sendMessages,
  settleMessages,
  takeFromBacklog,
} from "./queue-store.ts";

export interface QueuesOptions {
  readonly states: StateDatabases;
  readonly host: HostDatabase;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Messages of this queue became available: sent, or their delay or lease is over. Not once for each message. */
  readonly onReady: (name: QueueName) => void;
  /** A queue could not be looked at, such as one whose database does not open. */
  readonly onError: (error: unknown, name: QueueName) => void;
}

export interface Settlement {
  readonly acks: readonly string[];
  readonly retries: readonly QueueRetry[];
  readonly policy: RetryPolicy | undefined;
}

/**
 * Durable queues with delivery at least once. A message that was sent is there until it is acknowledged or given up; one
 * that was acknowledged never comes again. Consumers lease: whoever vanishes loses the lease, not the message.
 */
export interface Queues {
  /** All or none. */
  send(name: QueueName, messages: readonly NewQueueMessage[]): Promise<{ ids: string[]; metrics: QueueMetrics }>;
  /** Sends a message and writes it down as a job; with a key that was used before, there is only the job of then. */
  enqueue(name: QueueName, message: NewQueueMessage, job: NewJob): Promise<{ id: string; isNew: boolean }>;
  /** Takes a job out of its queue. One that is being worked at may come to its end, but is not tried again. */
  cancel(name: QueueName, id: string): Promise<{ found: boolean; was: JobStatus | null }>;
  lease(
    name: QueueName,
    options: { readonly max: number; readonly leaseMs: number; readonly policy?: RetryPolicy | undefined },
  ): Promise<LeasedQueueMessage[]>;
  settle(name: QueueName, settlement: Settlement): Promise<SettleResult>;
  /** Milliseconds since the epoch; now or earlier where something is available, undefined where the queue is empty. */
  nextDueAt(name: QueueName): number | undefined;
  /** Moves what is not leased from one queue to another, or, without `to`, each dead letter to where it came from. */
  redrive(projectId: string, from: string, to: string | undefined): Promise<number>;
  /** Deletes every message, leased ones too. */
  purge(name: QueueName): Promise<number>;
  /** Queues that have messages. */
  pending(): { name: QueueName; dueAt: number }[];
  /** After a start: takes back what was leased, announces what is available and wakes for what will be. */
  resume(): void;
  /** Forgets queues that have been empty for a while. */
  tidy(): Promise<void>;
  deleteProject(projectId: string): Promise<void>;
  close(): void;
}

/** Messages moved or deleted in one commit: a few milliseconds. */
const BATCH_MESSAGES = 500;
/** Without a lease in between, a queue is not announced again sooner. */
const ANNOUNCE_AGAIN_MS = 1000;
/** A queue that is empty this long leaves the list of pending ones; one that is in steady use stays in it. */
const EMPTY_FOR_MS = 60_000;

const keyOf = ({ projectId, queue }: QueueName): string => `${projectId}/${queue}`;
function nameOf(key: string): QueueName {
  const slash = key.indexOf("/");
  return { projectId: key.slice(0, slash), queue: key.slice(slash + 1) };
}

export function createQueues({ states, host, clock, timers, onReady, onError }: QueuesOptions): Queues {
  const pending = createPendingQueues(host);
  const announcedAt = new Map<string, number>();
  const emptySince = new Map<string, number>();
  /** Queues that messages are on their way to, which must not leave the list of pending ones. */
  const arriving = new Map<string, number>();
  const alarm = createDueAlarm({ clock, timers, onDue: (key) => wake(nameOf(key)) });

  function announce(name: QueueName): void {
    const key = keyOf(name);
    const now = clock.now();
    const last = announcedAt.get(key);
    if (last !== undefined && now - last < ANNOUNCE_AGAIN_MS) return;
    announcedAt.set(key, now);
    onReady(name);
  }

  /** Announces a queue if it has something, and sets the alarm for what it has later. */
  function wake(name: QueueName): void {
    try {
      const db = states.read(name.projectId);
      const now = clock.now();
      if (nextDueAt(db, name.queue, now) === now) announce(name);
      const later = queueStatements(db).nextVisible.get(name.queue, now);
      if (later !== undefined) alarm.set(keyOf(name), later);
      if (hasEndedLease(db, name.queue, now)) {
        states
          .commit(name.projectId, (again) => endJobLeases(again, name.queue, clock.now()))
          .catch((error: unknown) => onError(error, name));
      }
    } catch (error) {
      onError(error, name);
    }
  }

  /** Runs work that puts messages into a queue: the queue is listed as pending before anyone is told that they are in. */
  async function arrive<T>(name: QueueName, work: (db: SqliteDatabase) => T): Promise<T> {
    const key = keyOf(name);
    arriving.set(key, (arriving.get(key) ?? 0) + 1);
    emptySince.delete(key);
    try {
      const [result] = await Promise.all([states.commit(name.projectId, work), pending.add(name)]);
      return result;
    } finally {
      const left = (arriving.get(key) ?? 1) - 1;
      if (left === 0) arriving.delete(key);
      else arriving.set(key, left);
    }
  }

  function noteIfEmpty(name: QueueName): void {
    const row = findQueue(states.read(name.projectId), name.queue);
    if (row !== undefined && row.backlog_count > 0) return;
    const key = keyOf(name);
    if (!emptySince.has(key)) emptySince.set(key, clock.now());
  }

  /**
   * Who held leases went down with the process before this one. What they were at counts as no delivery: it was not the
   * consumer that failed.
   */
  async function takeBackLeases(name: QueueName): Promise<void> {
    const now = clock.now();
    const { changes } = await states.commit(name.projectId, (db) => {
      const released = queueStatements(db).releaseLeases.run(now, name.queue, now);
      takeBackJobs(db, name.queue);
      return released;
    });
    if (changes === 0) return;
    announcedAt.delete(keyOf(name));
    wake(name);
  }

  return {
    async send(name, messages) {
      const now = clock.now();
      const result = await arrive(name, (db) => sendMessages(db, name.queue, messages, now));
      let isAvailable = false;
      for (const { delayMs } of messages) {
        if (delayMs === 0) isAvailable = true;
        else alarm.set(keyOf(name), now + delayMs);
      }
      if (isAvailable) announce(name);
      return result;
    },

    async enqueue(name, message, job) {
      const now = clock.now();
      const result = await arrive(name, (db) => {
        if (job.dedupeKey !== null) {
          const there = findDuplicate(db, name.queue, job.dedupeKey, now);
          if (there !== undefined) return { id: there.id, isNew: false };
          freeDedupeKey(db, name.queue, job.dedupeKey);
        }
        const [id = ""] = sendMessages(db, name.queue, [message], now).ids;
        insertJob(db, name.queue, id, job, now);
        return { id, isNew: true };
      });
      if (message.delayMs > 0) alarm.set(keyOf(name), now + message.delayMs);
      else announce(name);
      return result;
    },

    async cancel(name, id) {
      const now = clock.now();
      const result = await states.commit(name.projectId, (db) => {
        const job = findJob(db, name.queue, id, now);
        const key = decodeMessageId(id);
        if (job === undefined || key === undefined) return { found: false, was: null };
        if (job.completedAt !== null) return { found: true, was: job.status };
        // Wherever a redrive may have taken it.
        const message = queueStatements(db).findAnywhere.get(key.seq, key.nonce);
        if (message !== undefined) {
          removeMessage(db, message);
          takeFromBacklog(db, message.queue, [message]);
        }
        endJob(db, key.seq, "cancelled", now);
        return { found: true, was: job.status, from: message?.queue ?? name.queue };
      });
      const { from = name.queue, ...answer } = result;
      noteIfEmpty({ projectId: name.projectId, queue: from });
      return answer;
    },

    async lease(name, options) {
      const now = clock.now();
      const policy = options.policy;
      const work = (db: SqliteDatabase) => leaseMessages(db, name.queue, { ...options, policy }, now);
      // Before the work: what arrives from here on is announced anew.
      announcedAt.delete(keyOf(name));
      const target = policy?.deadLetterQueue;
      const { messages, deadLettered } =
        target === undefined
          ? await states.commit(name.projectId, work)
          : await arrive({ projectId: name.projectId, queue: target }, work);
      if (messages.length > 0) alarm.set(keyOf(name), now + options.leaseMs);
      if (target !== undefined && deadLettered > 0) announce({ projectId: name.projectId, queue: target });
      return messages;
    },

    async settle(name, settlement) {
      const now = clock.now();
      const target = settlement.retries.length === 0 ? undefined : settlement.policy?.deadLetterQueue;
      const work = (db: SqliteDatabase) => settleMessages(db, name.queue, settlement, now);
      const result =
        target === undefined
          ? await states.commit(name.projectId, work)
          : await arrive({ projectId: name.projectId, queue: target }, work);
      if (target !== undefined && result.deadLettered > 0) announce({ projectId: name.projectId, queue: target });
      if (result.retried > 0) {
        for (const { delayMs } of settlement.retries) alarm.set(keyOf(name), now + delayMs);
      }
      if (result.acked > 0 || result.dropped > 0) noteIfEmpty(name);
      return result;
    },

    nextDueAt: (name) => nextDueAt(states.read(name.projectId), name.queue, clock.now()),

    async redrive(projectId, from, to) {
      const now = clock.now();
      const targets = new Set<string>();
      let moved = 0;
      for (;;) {
        const statements = queueStatements(states.read(projectId));
        const rows = (to === undefined ? statements.deadLetters : statements.available).all(from, now, BATCH_MESSAGES);
        const target = to ?? rows[0]?.dead_from;
        if (rows.length === 0 || target === undefined || target === null) break;
        const sameTarget = rows.filter((row) => to !== undefined || row.dead_from === target);
        const inBatch = await arrive({ projectId, queue: target }, (db) => {
          // Looked at again within the transaction: another turn has passed.
          const still = sameTarget.filter((row) => {
            const current = queueStatements(db).find.get(row.seq, row.nonce, from);
            return current !== undefined && current.visible_at <= now;
          });
          moveMessages(db, still, { from, to: target, deadFrom: null }, now);
          return still.length;
        });
        moved += inBatch;
        targets.add(target);
      }
      for (const queue of targets) announce({ projectId, queue });
      noteIfEmpty({ projectId, queue: from });
      return moved;
    },

    async purge(name) {
      let purged = 0;
      for (;;) {
        const inBatch = await states.commit(name.projectId, (db) => {
          const rows = queueStatements(db).oldestOf.all(name.queue, BATCH_MESSAGES);
          for (const row of rows) {
            removeMessage(db, row);
            if (isJobsOwn(row)) endJob(db, row.seq, "cancelled", clock.now());
          }
          takeFromBacklog(db, name.queue, rows);
          return rows.length;
        });
        purged += inBatch;
        if (inBatch < BATCH_MESSAGES) break;
      }
      noteIfEmpty(name);
      return purged;
    },

    pending() {
      return pending.list().flatMap((name) => {
        try {
          const dueAt = nextDueAt(states.read(name.projectId), name.queue, clock.now());
          return dueAt === undefined ? [] : [{ name, dueAt }];
        } catch (error) {
          onError(error, name);
          return [];
        }
      });
    },

    resume() {
      for (const name of pending.list()) {
        wake(name);
        takeBackLeases(name).catch((error: unknown) => onError(error, name));
        // One that is empty is found so by `tidy`, which looks again.
        emptySince.set(keyOf(name), clock.now());
      }
    },

    async tidy() {
      const now = clock.now();
      for (const [key, since] of emptySince) {
        if (now - since < EMPTY_FOR_MS || arriving.has(key)) continue;
        const name = nameOf(key);
        emptySince.delete(key);
        announcedAt.delete(key);
        const row = findQueue(states.read(name.projectId), name.queue);
        if (row === undefined || row.backlog_count === 0) await pending.remove(name);
      }
    },

    async deleteProject(projectId) {
      const isOfProject = (key: string) => nameOf(key).projectId === projectId;
      for (const key of alarm.keys().filter(isOfProject)) alarm.cancel(key);
      for (const memory of [announcedAt, emptySince]) {
        for (const key of [...memory.keys()].filter(isOfProject)) memory.delete(key);
      }
      await pending.removeProject(projectId);
    },

    close: () => alarm.cancelAll(),
  };
}
