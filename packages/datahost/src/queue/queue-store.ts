import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { beginJob, endJob, requeueJob } from "./job-store.ts";
import { createNonce, decodeMessageId, encodeMessageId } from "./message-id.ts";
import type { LeasedQueueMessage, NewQueueMessage, QueueMetrics } from "./queue-message.ts";
import { type MessageRow, type QueueRow, queueStatements } from "./queue-statements.ts";

/** Deliveries after the first, and what becomes of a message after the last one. */
export interface RetryPolicy {
  readonly maxRetries: number;
  /** Dropped, and counted, where there is none. */
  readonly deadLetterQueue: string | undefined;
}

export function sendMessages(
  db: SqliteDatabase,
  queue: string,
  messages: readonly NewQueueMessage[],
  now: number,
): { ids: string[]; metrics: QueueMetrics } {
  const statements = queueStatements(db);
  statements.createQueue.run(queue, now);
  let bytes = 0;
  const ids = messages.map(({ body, contentType, delayMs }) => {
    const nonce = createNonce();
    const { lastInsertRowid } = statements.insert.run(queue, nonce, contentType, body.length, now, now + delayMs);
    statements.insertBody.run(lastInsertRowid, body);
    bytes += body.length;
    return encodeMessageId({ seq: Number(lastInsertRowid), nonce });
  });
  statements.addToBacklog.run(messages.length, bytes, queue);
  statements.countSent.run(messages.length, queue);
  return { ids, metrics: metricsOf(db, queue) };
}

export function metricsOf(db: SqliteDatabase, queue: string): QueueMetrics {
  const statements = queueStatements(db);
  const row = statements.queue.get(queue);
  return {
    backlogCount: row?.backlog_count ?? 0,
    backlogBytes: row?.backlog_bytes ?? 0,
    oldestMessageTimestamp: statements.oldest.get(queue) ?? 0,
  };
}

export interface LeaseResult {
  readonly messages: LeasedQueueMessage[];
  readonly deadLettered: number;
}

/**
 * Takes messages that are available; until `now + leaseMs` nobody else gets them. With a policy, a message whose last
 * allowed delivery was never settled (its consumer vanished each time) is given up instead of delivered once more.
 */
export function leaseMessages(
  db: SqliteDatabase,
  queue: string,
  options: { readonly max: number; readonly leaseMs: number; readonly policy: RetryPolicy | undefined },
  now: number,
): LeaseResult {
  const statements = queueStatements(db);
  const messages: LeasedQueueMessage[] = [];
  const spent: MessageRow[] = [];
  for (const row of statements.available.all(queue, now, options.max)) {
    if (options.policy !== undefined && row.attempts > options.policy.maxRetries) {
      spent.push(row);
      continue;
    }
    statements.lease.run(now + options.leaseMs, row.seq);
    if (isJobsOwn(row)) beginJob(db, row.seq, row.attempts + 1);
    messages.push({
      id: encodeMessageId(row),
      timestamp: row.sent_at,
      attempts: row.attempts + 1,
      contentType: row.content_type,
      body: statements.body.get(row.seq) ?? Buffer.alloc(0),
    });
  }
  if (options.policy !== undefined && spent.length > 0) giveUp(db, queue, spent, options.policy, now);
  return { messages, deadLettered: options.policy?.deadLetterQueue === undefined ? 0 : spent.length };
}

export interface QueueRetry {
  readonly id: string;
  readonly delayMs: number;
  /** Why it did not succeed, for the record of a job. */
  readonly error?: string | undefined;
  /** Given up now, however many deliveries the policy would allow. */
  readonly isFinal?: boolean | undefined;
}

export interface SettleResult {
  acked: number;
  retried: number;
  deadLettered: number;
  dropped: number;
}

/**
 * Ends leases. An id that is not there any more, or whose message is not leased, is passed over: settling twice does
 * nothing. An acknowledgement counts even when its lease has run out.
 */
export function settleMessages(
  db: SqliteDatabase,
  queue: string,
  settlement: {
    readonly acks: readonly string[];
    readonly retries: readonly QueueRetry[];
    readonly policy: RetryPolicy | undefined;
  },
  now: number,
): SettleResult {
  const statements = queueStatements(db);
  const { policy } = settlement;
  const find = (id: string): MessageRow | undefined => {
    const key = decodeMessageId(id);
    return key === undefined ? undefined : statements.find.get(key.seq, key.nonce, queue);
  };
  const acked = settlement.acks.flatMap((id) => {
    const row = find(id);
    if (row === undefined) return [];
    removeMessage(db, row);
    if (isJobsOwn(row)) endJob(db, row.seq, "completed", now);
    return [row];
  });
  takeFromBacklog(db, queue, acked);
  const spent: MessageRow[] = [];
  let retried = 0;
  const seen = new Set<string>();
  for (const { id, delayMs, error, isFinal = false } of settlement.retries) {
    const row = find(id);
    if (row === undefined || row.leased === 0 || seen.has(id)) continue;
    seen.add(id);
    if (policy !== undefined && (isFinal || row.attempts > policy.maxRetries)) {
      spent.push(row);
    } else {
      statements.retry.run(now + delayMs, row.seq);
      retried += 1;
    }
    if (isJobsOwn(row)) requeueJob(db, row.seq, error);
  }
  statements.countSettled.run(acked.length, retried, 0, 0, queue);
  if (policy !== undefined) giveUp(db, queue, spent, policy, now);
  const isMoved = policy?.deadLetterQueue !== undefined;
  return {
    acked: acked.length,
    retried,
    deadLettered: isMoved ? spent.length : 0,
    dropped: isMoved ? 0 : spent.length,
  };
}

function giveUp(
  db: SqliteDatabase,
  queue: string,
  rows: readonly MessageRow[],
  policy: RetryPolicy,
  now: number,
): void {
  if (rows.length === 0) return;
  const { deadLetterQueue } = policy;
  for (const row of rows) if (isJobsOwn(row)) endJob(db, row.seq, "failed", now);
  if (deadLetterQueue === undefined) {
    for (const row of rows) removeMessage(db, row);
    takeFromBacklog(db, queue, rows);
    queueStatements(db).countSettled.run(0, 0, 0, rows.length, queue);
    return;
  }
  moveMessages(db, rows, { from: queue, to: deadLetterQueue, deadFrom: queue }, now);
  queueStatements(db).countSettled.run(0, 0, rows.length, 0, queue);
}

/** False for a dead letter: its job has failed, whatever becomes of what is left of it. */
export function isJobsOwn(row: MessageRow): boolean {
  return row.dead_from === null;
}

/** Moves messages to another queue, where they start anew: available at once, no attempts. */
export function moveMessages(
  db: SqliteDatabase,
  rows: readonly MessageRow[],
  { from, to, deadFrom }: { readonly from: string; readonly to: string; readonly deadFrom: string | null },
  now: number,
): void {
  const statements = queueStatements(db);
  statements.createQueue.run(to, now);
  for (const row of rows) {
    statements.move.run(to, deadFrom, now, row.seq);
    if (deadFrom === null) requeueJob(db, row.seq);
  }
  takeFromBacklog(db, from, rows);
  statements.addToBacklog.run(rows.length, bytesOf(rows), to);
}

export function removeMessage(db: SqliteDatabase, row: MessageRow): void {
  const statements = queueStatements(db);
  statements.remove.run(row.seq);
  statements.removeBody.run(row.seq);
}

export function takeFromBacklog(db: SqliteDatabase, queue: string, rows: readonly MessageRow[]): void {
  if (rows.length > 0) queueStatements(db).addToBacklog.run(-rows.length, -bytesOf(rows), queue);
}

function bytesOf(rows: readonly MessageRow[]): number {
  return rows.reduce((bytes, row) => bytes + row.size, 0);
}

/** When the queue next has something to deliver: `now` where it has already. @returns undefined where it is empty. */
export function nextDueAt(db: SqliteDatabase, queue: string, now: number): number | undefined {
  const statements = queueStatements(db);
  if ((statements.countAvailable.get(queue, now, 1) ?? 0) > 0) return now;
  return statements.nextVisible.get(queue, now);
}

export function findQueue(db: SqliteDatabase, queue: string): QueueRow | undefined {
  return queueStatements(db).queue.get(queue);
}
