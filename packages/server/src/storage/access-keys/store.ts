import type { Kysely, Selectable } from "kysely";
import type { PageRequest } from "../../kernel/page.ts";
import type { StorageTables } from "../tables.ts";

export type S3KeyRow = Selectable<StorageTables["s3_access_keys"]>;
type Db = Kysely<StorageTables>;

export const s3KeyStore = {
  async insert(db: Db, row: S3KeyRow): Promise<void> {
    await db.insertInto("s3_access_keys").values(row).execute();
  },

  async find(db: Db, accessKeyId: string): Promise<S3KeyRow | undefined> {
    return await db
      .selectFrom("s3_access_keys")
      .selectAll()
      .where("access_key_id", "=", accessKeyId)
      .executeTakeFirst();
  },

  async list(db: Db, projectId: string, { limit, cursor }: PageRequest): Promise<S3KeyRow[]> {
    let query = db.selectFrom("s3_access_keys").selectAll().where("project_id", "=", projectId);
    if (cursor !== undefined) query = query.where("access_key_id", ">", cursor);
    return await query
      .orderBy("access_key_id")
      .limit(limit + 1)
      .execute();
  },

  async countActive(db: Db, projectId: string): Promise<number> {
    const { count } = await db
      .selectFrom("s3_access_keys")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("project_id", "=", projectId)
      .where("revoked_at", "is", null)
      .executeTakeFirstOrThrow();
    return Number(count);
  },

  async insertMaker(db: Db, { access_key_id, project_id }: S3KeyRow, accountKeyId: string): Promise<void> {
    await db.insertInto("s3_key_makers").values({ access_key_id, project_id, account_key_id: accountKeyId }).execute();
  },

  /** Id of the limited account key that made it. */
  async findMaker(db: Db, accessKeyId: string): Promise<string | undefined> {
    const row = await db
      .selectFrom("s3_key_makers")
      .select("account_key_id")
      .where("access_key_id", "=", accessKeyId)
      .executeTakeFirst();
    return row?.account_key_id;
  },

  /** Undefined when the project has no such key. A key that is revoked already keeps its time. */
  async revoke(db: Db, projectId: string, accessKeyId: string, nowMs: number): Promise<S3KeyRow | undefined> {
    return await db
      .updateTable("s3_access_keys")
      .set((eb) => ({ revoked_at: eb.fn.coalesce("revoked_at", eb.val(nowMs)) }))
      .where("project_id", "=", projectId)
      .where("access_key_id", "=", accessKeyId)
      .returningAll()
      .executeTakeFirst();
  },
};
