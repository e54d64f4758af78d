import { perDatabase } from "../state/per-database.ts";
import type { QueueContentType } from "./queue-message.ts";

export interface MessageRow {
  readonly seq: number;
  readonly nonce: string;
  readonly queue: string;
  readonly content_type: QueueContentType;
  readonly size: number;
  readonly sent_at: number;
  readonly visible_at: number;
  readonly attempts: number;
  readonly leased: 0 | 1;
  readonly dead_from: string | null;
}

export interface QueueRow {
  readonly name: string;
  readonly created_at: number;
  readonly backlog_count: number;
  readonly backlog_bytes: number;
  readonly sent_count: number;
  readonly acked_count: number;
  readonly retried_count: number;
  readonly dead_lettered_count: number;
  readonly dropped_count: number;
}

const MESSAGE_COLUMNS = "seq, nonce, queue, content_type, size, sent_at, visible_at, attempts, leased, dead_from";

/** The statements on queues, prepared once per database. */
export const queueStatements = perDatabase((db) => ({
  createQueue: db.prepare<[string, number]>("INSERT OR IGNORE INTO queues (name, created_at) VALUES (?, ?)"),
  addToBacklog: db.prepare<[number, number, string]>(
    "UPDATE queues SET backlog_count = backlog_count + ?, backlog_bytes = backlog_bytes + ? WHERE name = ?",
  ),
  countSent: db.prepare<[number, string]>("UPDATE queues SET sent_count = sent_count + ? WHERE name = ?"),
  countSettled: db.prepare<[number, number, number, number, string]>(
    `UPDATE queues SET acked_count = acked_count + ?, retried_count = retried_count + ?,
       dead_lettered_count = dead_lettered_count + ?, dropped_count = dropped_count + ? WHERE name = ?`,
  ),
  queue: db.prepare<[string], QueueRow>("SELECT * FROM queues WHERE name = ?"),
  queues: db.prepare<[], QueueRow>("SELECT * FROM queues ORDER BY name"),
  insert: db.prepare<[string, string, string, number, number, number]>(
    "INSERT INTO queue_messages (queue, nonce, content_type, size, sent_at, visible_at) VALUES (?, ?, ?, ?, ?, ?)",
  ),
  insertBody: db.prepare<[number | bigint, Buffer]>("INSERT INTO queue_bodies (seq, body) VALUES (?, ?)"),
  available: db.prepare<[string, number, number], MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM queue_messages
     WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, seq LIMIT ?`,
  ),
  deadLetters: db.prepare<[string, number, number], MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM queue_messages
     WHERE queue = ? AND visible_at <= ? AND dead_from IS NOT NULL ORDER BY visible_at, seq LIMIT ?`,
  ),
  body: db.prepare<[number], Buffer>("SELECT body FROM queue_bodies WHERE seq = ?").pluck(),
  lease: db.prepare<[number, number]>(
    "UPDATE queue_messages SET visible_at = ?, attempts = attempts + 1, leased = 1 WHERE seq = ?",
  ),
  find: db.prepare<[number, string, string], MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM queue_messages WHERE seq = ? AND nonce = ? AND queue = ?`,
  ),
  findAnywhere: db.prepare<[number, string], MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM queue_messages WHERE seq = ? AND nonce = ?`,
  ),
  remove: db.prepare<[number]>("DELETE FROM queue_messages WHERE seq = ?"),
  removeBody: db.prepare<[number]>("DELETE FROM queue_bodies WHERE seq = ?"),
  retry: db.prepare<[number, number]>("UPDATE queue_messages SET visible_at = ?, leased = 0 WHERE seq = ?"),
  releaseLeases: db.prepare<[number, string, number]>(
    `UPDATE queue_messages SET visible_at = ?, attempts = attempts - 1, leased = 0
     WHERE queue = ? AND leased = 1 AND visible_at > ?`,
  ),
  move: db.prepare<[string, string | null, number, number]>(
    "UPDATE queue_messages SET queue = ?, dead_from = ?, visible_at = ?, attempts = 0, leased = 0 WHERE seq = ?",
  ),
  oldest: db
    .prepare<[string], number>("SELECT sent_at FROM queue_messages WHERE queue = ? ORDER BY sent_at LIMIT 1")
    .pluck(),
  nextVisible: db
    .prepare<[string, number], number>(
      "SELECT visible_at FROM queue_messages WHERE queue = ? AND visible_at > ? ORDER BY visible_at LIMIT 1",
    )
    .pluck(),
  countAvailable: db
    .prepare<[string, number, number], number>(
      "SELECT count(*) FROM (SELECT 1 FROM queue_messages WHERE queue = ? AND visible_at <= ? LIMIT ?)",
    )
    .pluck(),
  peek: db.prepare<[string, number, number, number], MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM queue_messages
     WHERE queue = ? AND (sent_at, seq) > (?, ?) ORDER BY sent_at, seq LIMIT ?`,
  ),
  oldestOf: db.prepare<[string, number], MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM queue_messages WHERE queue = ? ORDER BY sent_at, seq LIMIT ?`,
  ),
}));
