import { AerostackError, type SupportStatus, type SupportTopic } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { type Page, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { type ConversationFilter, type ConversationRow, type SupportMessageRow, supportStore } from "./store.ts";
import type { SupportMail } from "./support-mail.ts";
import type { SupportTables } from "./tables.ts";

/**
 * Responsible for what people write to those who run the installation, and what these answer: from a page, over the API or
 * by mail it becomes one conversation, which both sides see whole. It never shows a conversation to whoever only knows an
 * e-mail address.
 */
export interface Conversations {
  begin(input: NewConversation): Promise<ConversationRow>;
  /** @throws NOT_FOUND · CONFLICT when it is as long as conversations may be */
  addPersonMessage(conversationId: string, message: NewMessage): Promise<Thread>;
  /** The answer goes out by mail as well. @throws NOT_FOUND */
  answer(conversationId: string, operatorId: string, text: string): Promise<Thread>;
  /** @throws NOT_FOUND */
  setStatus(conversationId: string, status: "open" | "closed"): Promise<ConversationRow>;
  /** @param accountId where given, the conversation must be of this account @throws NOT_FOUND */
  read(conversationId: string, accountId?: string): Promise<Thread>;
  list(filter: ConversationFilter): Promise<Page<ConversationRow>>;
}

export interface Thread {
  readonly conversation: ConversationRow;
  readonly messages: readonly SupportMessageRow[];
}

export interface NewMessage {
  readonly text: string;
  readonly mail?: { readonly from: string; readonly messageId: string | null };
}

export interface NewConversation extends NewMessage {
  readonly topic: SupportTopic;
  readonly subject: string;
  readonly email: string;
  readonly name: string | null;
  readonly accountId: string | null;
}

const MAX_SHOWN_MESSAGES = 200;
/** Two programs that answer each other must come to an end. */
const MAX_MESSAGES = 1_000;

export interface ConversationsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly mail: SupportMail;
}

export function createConversations({ sql: untyped, clock, audit, mail }: ConversationsOptions): Conversations {
  const sql = untyped.withTables<SupportTables>();

  function rowOf(conversationId: string, author: "person" | "operator", message: NewMessage): SupportMessageRow {
    const now = clock.now();
    const mailId = message.mail?.messageId ?? null;
    return {
      id: createId("smg", now),
      conversation_id: conversationId,
      author,
      operator_id: null,
      from_email: message.mail?.from ?? null,
      mail_hash: mailId === null ? null : hashToken(mailId),
      mail_id: mailId,
      text: message.text,
      created_at: now,
    };
  }

  async function requireConversation(id: string): Promise<ConversationRow> {
    const found = await supportStore.find(sql.db, id);
    if (found === undefined) throw notFound();
    return found;
  }

  async function threadOf(conversation: ConversationRow): Promise<Thread> {
    return { conversation, messages: await supportStore.listMessages(sql.db, conversation.id, MAX_SHOWN_MESSAGES) };
  }

  return {
    async begin({ topic, subject, email, name, accountId, ...message }) {
      const now = clock.now();
      const row: ConversationRow = {
        id: createId("cnv", now),
        topic,
        subject,
        status: "open",
        email,
        name,
        account_id: accountId,
        created_at: now,
        updated_at: now,
      };
      const isNew = await sql.transaction(async (trx) => {
        await supportStore.insertConversation(trx, row);
        const inserted = await supportStore.insertMessage(trx, rowOf(row.id, "person", message));
        // A mail that was taken before leaves no second conversation.
        if (!inserted) await trx.deleteFrom("support_conversations").where("id", "=", row.id).execute();
        return inserted;
      });
      if (!isNew) return row;
      await mail.confirm(row, message.mail?.messageId ?? null);
      mail.tellOperators(row);
      return row;
    },

    async addPersonMessage(conversationId, message) {
      const conversation = await requireConversation(conversationId);
      if ((await supportStore.countMessages(sql.db, conversationId)) >= MAX_MESSAGES) {
        throw new AerostackError("CONFLICT", {
          message: "This conversation is as long as one may be.",
          fix: "Begin another one.",
        });
      }
      const now = clock.now();
      const isNew = await sql.transaction(async (trx) => {
        const inserted = await supportStore.insertMessage(trx, rowOf(conversationId, "person", message));
        if (inserted) await supportStore.setStatus(trx, conversationId, "open", now);
        return inserted;
      });
      // Operators are told when it is their turn, not of every line.
      if (isNew && conversation.status !== "open") mail.tellOperators(conversation);
      return await threadOf(await requireConversation(conversationId));
    },

    async answer(conversationId, operatorId, text) {
      const conversation = await requireConversation(conversationId);
      const row = { ...rowOf(conversationId, "operator", { text }), operator_id: operatorId };
      await sql.transaction(async (trx) => {
        await supportStore.insertMessage(trx, row);
        await supportStore.setStatus(trx, conversationId, "answered", row.created_at);
        await audit.record(trx, {
          action: "support_conversation.answered",
          target: { kind: "support_conversation", id: conversationId },
        });
      });
      await mail.answer(conversation, text, await supportStore.findLastMailId(sql.db, conversationId));
      return await threadOf(await requireConversation(conversationId));
    },

    async setStatus(conversationId, status) {
      const { status: before } = await requireConversation(conversationId);
      await sql.transaction(async (trx) => {
        await supportStore.setStatus(trx, conversationId, status satisfies SupportStatus);
        await audit.record(trx, {
          action: status === "closed" ? "support_conversation.closed" : "support_conversation.reopened",
          target: { kind: "support_conversation", id: conversationId },
          before: { status: before },
          after: { status },
        });
      });
      return await requireConversation(conversationId);
    },

    async read(conversationId, accountId) {
      const conversation = await requireConversation(conversationId);
      if (accountId !== undefined && conversation.account_id !== accountId) throw notFound();
      return await threadOf(conversation);
    },

    async list(filter) {
      return toPage(await supportStore.list(sql.db, filter), filter.limit);
    },
  };
}

function notFound(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "There is no such conversation." });
}
