import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../kernel/page.ts";
import type { NoticeTables } from "./tables.ts";

export type NoticeRow = Selectable<NoticeTables["notices"]>;
type Db = Kysely<NoticeTables>;

export const noticeStore = {
  async insert(db: Db, row: NoticeRow): Promise<void> {
    await db.insertInto("notices").values(row).execute();
  },

  async list(db: Db, accountId: string, { limit, cursor, unread }: PageRequest & { unread: boolean }) {
    let query = db.selectFrom("notices").selectAll().where("account_id", "=", accountId);
    if (unread) query = query.where("read_at", "is", null);
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async countUnread(db: Db, accountId: string): Promise<number> {
    const { count } = await db
      .selectFrom("notices")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("account_id", "=", accountId)
      .where("read_at", "is", null)
      .executeTakeFirstOrThrow();
    return count;
  },

  /** The notice, read from now on; one that was read before keeps its time. Undefined when the account has no such one. */
  async read(db: Db, accountId: string, id: string, nowMs: number): Promise<NoticeRow | undefined> {
    return await db
      .updateTable("notices")
      .set((eb) => ({ read_at: eb.fn.coalesce("read_at", eb.val(nowMs)) }))
      .where("account_id", "=", accountId)
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirst();
  },

  async readAll(db: Db, accountId: string, nowMs: number): Promise<void> {
    await db
      .updateTable("notices")
      .set({ read_at: nowMs })
      .where("account_id", "=", accountId)
      .where("read_at", "is", null)
      .execute();
  },

  async removeOlder(db: Db, createdBeforeMs: number): Promise<void> {
    await db.deleteFrom("notices").where("created_at", "<", createdBeforeMs).execute();
  },
};
