import { type Clock, createId } from "@aerostack/kernel";
import type { Envelope } from "../crypto/envelope.ts";
import type { SealedColumn } from "../crypto/sealed-columns.ts";
import type { Logger } from "../log.ts";
import { type Page, type PageRequest, toPage } from "../page.ts";
import type { Sql } from "../sql/index.ts";
import { DeliveryError, type Message, type MessageChannel, type MessageSender } from "./message.ts";
import { type OutboxRow, outboxStore } from "./outbox-store.ts";
import type { OutboxTables } from "./tables.ts";

export interface NewOutboxMessage extends Message {
  /** Null: of the installation itself. */
  readonly projectId: string | null;
  /** What it is about, such as `reset-password`. */
  readonly kind: string;
  /** How long it is of use, such as the life of the code in it. Afterwards nobody tries to send it any more. */
  readonly usefulForMs: number;
}

/** A message as the outbox shows it. */
export interface OutboxMessage {
  readonly id: string;
  readonly channel: MessageChannel;
  readonly kind: string;
  readonly status: "held" | "queued" | "sent" | "failed";
  readonly sender: string | null;
  readonly error: string | null;
  readonly attempts: number;
  readonly createdAtMs: number;
  /** Null once it was sent: it is with its receiver and nowhere else. */
  readonly message: Message | null;
}

/** Finds who sends a project's messages; null: nobody, they stay here. */
export type FindSender = (projectId: string | null, channel: MessageChannel) => Promise<MessageSender | null>;

/**
 * Messages to people. Each is stored before anybody is told that it is on its way, is tried again when the other side has
 * a bad moment, and is forgotten once it was taken. Without a sender it stays and can be read here.
 */
export interface Outbox {
  /** Resolves when the message is stored; it is sent afterwards. */
  put(message: NewOutboxMessage): Promise<void>;
  list(projectId: string | null, page: PageRequest): Promise<Page<OutboxMessage>>;
  find(projectId: string | null, id: string): Promise<OutboxMessage | undefined>;
  /** Sends what is due. */
  deliverDue(): Promise<void>;
  removeExpired(): Promise<void>;
  /** Resolves when nothing is being sent. */
  idle(): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** After the first attempt, the second, …; the last one is the end. */
const RETRY_AFTER_MS = [30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS] as const;
/** Longer than any attempt takes: a message that a server took and did not settle comes again after it. */
const LEASE_MS = 2 * MINUTE_MS;
const POLL_MS = 15 * SECOND_MS;
const MAX_SENDING_AT_ONCE = 8;
const LISTED_FOR_MS = 7 * DAY_MS;
/** Of each project. */
const MAX_KEPT = 1_000;

export interface OutboxOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly envelope: Envelope;
  readonly findSender: FindSender;
  readonly log: Logger;
  /** A message stays here because there is no sender, or nobody took it. */
  readonly onStuck?: (projectId: string, what: string) => void;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { clock, envelope, findSender, log } = options;
  const sql = options.sql.withTables<OutboxTables>();
  const sending = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  function open(row: OutboxRow): Message | null {
    return row.content === null ? null : (JSON.parse(envelope.open(row.content, contextOf(row.id))) as Message);
  }

  function reportStuck(row: OutboxRow, why: string): void {
    const what = `A message (${row.kind}, ${row.channel}) waits in the outbox: ${why}`;
    log.warn({ projectId: row.project_id, messageId: row.id }, what);
    if (row.project_id !== null) options.onStuck?.(row.project_id, what);
  }

  async function attempt(row: OutboxRow): Promise<void> {
    const now = clock.now();
    if (!(await outboxStore.claim(sql.db, row, now + LEASE_MS))) return;
    const sender = await findSender(row.project_id, row.channel as MessageChannel);
    const message = open(row);
    if (sender === null || message === null) {
      await outboxStore.settle(sql.db, row.id, { status: "held", error: null });
      return;
    }
    if (now >= row.useful_until) {
      await outboxStore.settle(sql.db, row.id, { status: "failed", error: "It could not be sent in time." });
      return;
    }
    try {
      await sender.send(message, row.id);
      await outboxStore.settle(sql.db, row.id, { status: "sent", error: null, content: null, sender: sender.name });
    } catch (error) {
      const failure = error instanceof DeliveryError ? error : new DeliveryError("It could not be sent.", true, error);
      const delayMs = failure.isTemporary ? RETRY_AFTER_MS[row.attempts] : undefined;
      const retries = delayMs !== undefined && now + delayMs < row.useful_until;
      await outboxStore.settle(sql.db, row.id, {
        status: retries ? "queued" : "failed",
        error: failure.message,
        sender: sender.name,
        ...(retries ? { next_attempt_at: now + delayMs } : {}),
      });
      if (!retries) reportStuck(row, failure.message);
    }
  }

  function startAttempt(row: OutboxRow): Promise<void> {
    const work = attempt(row)
      .catch((err: unknown) => log.error({ err, messageId: row.id }, "a message could not be handled"))
      .finally(() => sending.delete(work));
    sending.add(work);
    return work;
  }

  async function deliverDue(): Promise<void> {
    const free = MAX_SENDING_AT_ONCE - sending.size;
    if (free <= 0) return;
    const due = await outboxStore.listDue(sql.db, clock.now(), free);
    await Promise.all(due.map(startAttempt));
  }

  return {
    async put({ projectId, kind, usefulForMs, ...message }) {
      const now = clock.now();
      const id = createId("msg", now);
      const sender = await findSender(projectId, message.channel);
      const row: OutboxRow = {
        id,
        project_id: projectId,
        channel: message.channel,
        kind,
        content: envelope.seal(JSON.stringify(message), contextOf(id)),
        status: sender === null ? "held" : "queued",
        sender: sender?.name ?? null,
        error: null,
        attempts: 0,
        created_at: now,
        next_attempt_at: now,
        useful_until: now + usefulForMs,
        expires_at: now + Math.max(usefulForMs, LISTED_FOR_MS),
      };
      await outboxStore.insert(sql.db, row);
      if (sender === null) reportStuck(row, "no sender is configured");
      // More than this wait for the next look.
      else if (sending.size < MAX_SENDING_AT_ONCE) void startAttempt(row);
    },
    async list(projectId, page) {
      const { items, nextCursor } = toPage(await outboxStore.list(sql.db, projectId, page), page.limit);
      return { items: items.map((row) => show(row, open(row))), nextCursor };
    },
    async find(projectId, id) {
      const row = await outboxStore.find(sql.db, projectId, id);
      return row === undefined ? undefined : show(row, open(row));
    },
    deliverDue,
    async removeExpired() {
      await outboxStore.removeExpired(sql.db, clock.now());
      await outboxStore.trim(sql.db, MAX_KEPT);
    },
    async idle() {
      while (sending.size > 0) await Promise.all(sending);
    },
    start() {
      timer ??= setInterval(() => {
        deliverDue().catch((err: unknown) => log.warn({ err }, "due messages could not be read"));
      }, POLL_MS).unref();
    },
    async close() {
      clearInterval(timer);
      await Promise.all(sending);
    },
  };
}

export const outboxSeal: SealedColumn = {
  table: "outbox_messages",
  key: ["id"],
  column: "content",
  contextOf: ({ id = "" }) => contextOf(id),
};

function contextOf(id: string): string {
  return `outbox-message/${id}`;
}

function show(row: OutboxRow, message: Message | null): OutboxMessage {
  return {
    id: row.id,
    channel: row.channel as MessageChannel,
    kind: row.kind,
    status: row.status as OutboxMessage["status"],
    sender: row.sender,
    error: row.error,
    attempts: row.attempts,
    createdAtMs: row.created_at,
    message,
  };
}
