import type { SupportStatus, SupportTopic } from "@aerostack/contracts";
import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { SupportTables } from "./tables.ts";

export type ConversationRow = Selectable<SupportTables["support_conversations"]>;
export type SupportMessageRow = Selectable<SupportTables["support_messages"]>;
type Db = Kysely<SupportTables>;

export interface ConversationFilter extends PageRequest {
  readonly status?: SupportStatus | undefined;
  readonly topic?: SupportTopic | undefined;
  readonly accountId?: string | undefined;
}

export const supportStore = {
  async insertConversation(trx: Db, row: ConversationRow): Promise<void> {
    await trx.insertInto("support_conversations").values(row).execute();
  },

  /** False when this mail was taken before. */
  async insertMessage(trx: Db, row: SupportMessageRow): Promise<boolean> {
    const inserted = await trx
      .insertInto("support_messages")
      .values(row)
      .onConflict((conflict) => conflict.column("mail_hash").doNothing())
      .returning("id")
      .executeTakeFirst();
    return inserted !== undefined;
  },

  async setStatus(trx: Db, id: string, status: SupportStatus, updatedAtMs?: number): Promise<void> {
    await trx
      .updateTable("support_conversations")
      .set({ status, ...(updatedAtMs === undefined ? {} : { updated_at: updatedAtMs }) })
      .where("id", "=", id)
      .execute();
  },

  async find(db: Db, id: string): Promise<ConversationRow | undefined> {
    return await db.selectFrom("support_conversations").selectAll().where("id", "=", id).executeTakeFirst();
  },

  /** The newest, oldest of them first. */
  async listMessages(db: Db, conversationId: string, limit: number): Promise<SupportMessageRow[]> {
    const newest = await db
      .selectFrom("support_messages")
      .selectAll()
      .where("conversation_id", "=", conversationId)
      .orderBy("id", "desc")
      .limit(limit)
      .execute();
    return newest.toReversed();
  },

  async countMessages(db: Db, conversationId: string): Promise<number> {
    const { count } = await db
      .selectFrom("support_messages")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("conversation_id", "=", conversationId)
      .executeTakeFirstOrThrow();
    return Number(count);
  },

  async findLastMailId(db: Db, conversationId: string): Promise<string | null> {
    const row = await db
      .selectFrom("support_messages")
      .select("mail_id")
      .where("conversation_id", "=", conversationId)
      .where("mail_id", "is not", null)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
    return row?.mail_id ?? null;
  },

  async list(db: Db, { limit, cursor, status, topic, accountId }: ConversationFilter): Promise<ConversationRow[]> {
    let query = db.selectFrom("support_conversations").selectAll();
    if (status !== undefined) query = query.where("status", "=", status);
    if (topic !== undefined) query = query.where("topic", "=", topic);
    if (accountId !== undefined) query = query.where("account_id", "=", accountId);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },
};
