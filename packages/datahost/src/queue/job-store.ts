import type { JobStatus } from "@aerostack/contracts";
import { perDatabase } from "../state/per-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { decodeMessageId, encodeMessageId } from "./message-id.ts";
import { DEDUPE_WINDOW_MS, JOB_KEPT_MS } from "./queue-limits.ts";

/** What is known of a job: a message with a type, whose way through the queue is written down. */
export interface StoredJob {
  /** That of its message. */
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  /** JSON text. */
  readonly data: string;
  readonly status: JobStatus;
  /** Deliveries so far. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** When it came to its end, in whatever way. */
  readonly completedAt: number | null;
  /** Of the last attempt that failed. */
  readonly error: string | null;
}

export interface NewJob {
  readonly type: string;
  /** JSON text. */
  readonly data: string;
  readonly dedupeKey: string | null;
}

export interface JobFilter {
  readonly status: JobStatus | null;
  readonly type: string | null;
}

interface JobRow {
  readonly seq: number;
  readonly nonce: string;
  readonly queue: string;
  readonly type: string;
  readonly data: string;
  readonly status: JobStatus;
  readonly attempts: number;
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly error: string | null;
}

const MAX_ERROR_CHARACTERS = 2000;
/** Old records that one new job takes along: they go faster than they come. */
const SWEPT_AT_ONCE = 20;
const COLUMNS = "seq, nonce, queue, type, data, status, attempts, created_at, completed_at, error";

interface ListParams extends JobFilter {
  readonly queue: string;
  readonly before: number;
  readonly limit: number;
}

/** The newest first. */
export function listSql(filter = ""): string {
  return `SELECT ${COLUMNS} FROM queue_jobs WHERE queue = :queue ${filter} AND seq < :before ORDER BY seq DESC LIMIT :limit`;
}

const statementsOf = perDatabase((db) => ({
  insert: db.prepare<[number | bigint, string, string, string, string, string | null, number]>(
    `INSERT INTO queue_jobs (seq, nonce, queue, type, data, dedupe_key, created_at, status)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'queued')`,
  ),
  find: db.prepare<[number, string], JobRow>(`SELECT ${COLUMNS} FROM queue_jobs WHERE seq = ? AND nonce = ?`),
  byDedupeKey: db.prepare<[string, string, number], JobRow>(
    `SELECT ${COLUMNS} FROM queue_jobs WHERE queue = ? AND dedupe_key = ? AND created_at > ?`,
  ),
  freeDedupeKey: db.prepare<[string, string]>(
    "UPDATE queue_jobs SET dedupe_key = NULL WHERE queue = ? AND dedupe_key = ?",
  ),
  // One for each filter: each reads one stretch of an index, however many jobs there are.
  list: db.prepare<[ListParams], JobRow>(listSql()),
  listByStatus: db.prepare<[ListParams], JobRow>(listSql("AND status = :status")),
  listByType: db.prepare<[ListParams], JobRow>(listSql("AND type = :type")),
  listByStatusAndType: db.prepare<[ListParams], JobRow>(listSql("AND status = :status AND type = :type")),
  begin: db.prepare<[number, number]>("UPDATE queue_jobs SET status = 'processing', attempts = ? WHERE seq = ?"),
  // A job that was cancelled while it ran stays so.
  end: db.prepare<[JobStatus, number, string | null, number]>(
    `UPDATE queue_jobs SET status = ?, completed_at = ?, error = coalesce(?, error)
     WHERE seq = ? AND status <> 'cancelled'`,
  ),
  again: db.prepare<[string | null, number]>(
    "UPDATE queue_jobs SET status = 'queued', completed_at = NULL, error = coalesce(?, error) WHERE seq = ?",
  ),
  // By the queue of the message, which a redrive may have moved away from the one that the job was made in.
  endedLease: db.prepare<[string, number], unknown>(
    `SELECT 1 FROM queue_jobs WHERE status = 'processing'
       AND seq IN (SELECT seq FROM queue_messages WHERE queue = ? AND leased = 1 AND visible_at <= ?) LIMIT 1`,
  ),
  endLeases: db.prepare<[string, number]>(
    `UPDATE queue_jobs SET status = 'queued' WHERE status = 'processing'
       AND seq IN (SELECT seq FROM queue_messages WHERE queue = ? AND leased = 1 AND visible_at <= ?)`,
  ),
  takeBack: db.prepare<[string]>(
    `UPDATE queue_jobs SET status = 'queued', attempts = attempts - 1
     WHERE status = 'processing' AND seq IN (SELECT seq FROM queue_messages WHERE queue = ? AND leased = 0)`,
  ),
  sweep: db.prepare<[number, number]>(
    "DELETE FROM queue_jobs WHERE seq IN (SELECT seq FROM queue_jobs WHERE completed_at < ? LIMIT ?)",
  ),
}));

function recordOf(row: JobRow): StoredJob {
  return {
    id: encodeMessageId(row),
    queue: row.queue,
    type: row.type,
    data: row.data,
    status: row.status,
    attempts: row.attempts,
    createdAt: row.created_at,
    completedAt: row.completed_at,
    error: row.error,
  };
}

/** Writes down the job of a message that was just sent. */
export function insertJob(db: SqliteDatabase, queue: string, messageId: string, job: NewJob, now: number): void {
  const key = decodeMessageId(messageId);
  if (key === undefined) throw new Error("not an id of a message");
  const statements = statementsOf(db);
  statements.insert.run(key.seq, key.nonce, queue, job.type, job.data, job.dedupeKey, now);
  statements.sweep.run(now - JOB_KEPT_MS, SWEPT_AT_ONCE);
}

export function findJob(db: SqliteDatabase, queue: string, id: string, now: number): StoredJob | undefined {
  const key = decodeMessageId(id);
  const row = key === undefined ? undefined : statementsOf(db).find.get(key.seq, key.nonce);
  if (row === undefined || row.queue !== queue || isOld(row, now)) return undefined;
  return recordOf(row);
}

/** The job that this key stands for: until its window is over, even where its record is kept longer. */
export function findDuplicate(
  db: SqliteDatabase,
  queue: string,
  dedupeKey: string,
  now: number,
): StoredJob | undefined {
  const row = statementsOf(db).byDedupeKey.get(queue, dedupeKey, now - DEDUPE_WINDOW_MS);
  return row === undefined ? undefined : recordOf(row);
}

/** Takes a key from the job that it stood for, so that it can be used again. */
export function freeDedupeKey(db: SqliteDatabase, queue: string, dedupeKey: string): void {
  statementsOf(db).freeDedupeKey.run(queue, dedupeKey);
}

function listStatement(db: SqliteDatabase, { status, type }: JobFilter) {
  const { list, listByStatus, listByType, listByStatusAndType } = statementsOf(db);
  if (status === null) return type === null ? list : listByType;
  return type === null ? listByStatus : listByStatusAndType;
}

/** The newest first. `before` is the number of the last one of the page before. */
export function listJobs(
  db: SqliteDatabase,
  queue: string,
  filter: JobFilter,
  page: { readonly before: number; readonly limit: number },
  now: number,
): { readonly jobs: StoredJob[]; readonly last: number | null } {
  const rows = listStatement(db, filter).all({
    queue,
    status: filter.status,
    type: filter.type,
    before: page.before,
    limit: page.limit + 1,
  });
  const shown = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? (shown.at(-1)?.seq ?? null) : null;
  return { jobs: shown.filter((row) => !isOld(row, now)).map(recordOf), last };
}

/** A message was handed out; of one that is no job nothing is written down. */
export function beginJob(db: SqliteDatabase, seq: number, attempts: number): void {
  statementsOf(db).begin.run(attempts, seq);
}

export function endJob(db: SqliteDatabase, seq: number, status: JobStatus, now: number, error?: string): void {
  statementsOf(db).end.run(status, now, error?.slice(0, MAX_ERROR_CHARACTERS) ?? null, seq);
}

/** It waits again: to be retried, or after it was taken out of the dead letters. */
export function requeueJob(db: SqliteDatabase, seq: number, error?: string): void {
  statementsOf(db).again.run(error?.slice(0, MAX_ERROR_CHARACTERS) ?? null, seq);
}

/** The leases of a queue were taken back: what they were at counts as no delivery. */
export function takeBackJobs(db: SqliteDatabase, queue: string): void {
  statementsOf(db).takeBack.run(queue);
}

/** True when a job's lease has run out that its record does not tell of yet. */
export function hasEndedLease(db: SqliteDatabase, queue: string, now: number): boolean {
  return statementsOf(db).endedLease.get(queue, now) !== undefined;
}

/** Jobs whose lease ran out wait again; the attempt counts. */
export function endJobLeases(db: SqliteDatabase, queue: string, now: number): void {
  statementsOf(db).endLeases.run(queue, now);
}

function isOld({ completed_at }: JobRow, now: number): boolean {
  return completed_at !== null && completed_at < now - JOB_KEPT_MS;
}
