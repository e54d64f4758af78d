import type { BlockKind, BlockState } from "@aerostack/contracts";
import type { ExpressionBuilder, Kysely, Selectable } from "kysely";
import type { PageRequest } from "../../kernel/page.ts";
import type { FrontDoorTables } from "../tables.ts";

export type BlockRow = Selectable<FrontDoorTables["blocks"]>;
type Db = Kysely<FrontDoorTables>;
type Where = ExpressionBuilder<FrontDoorTables, "blocks">;

export interface BlockFilter {
  readonly kind?: BlockKind | undefined;
  readonly subject?: string | undefined;
  readonly state?: BlockState | undefined;
  /** Those that are about the project: itself, its end users, its keys. */
  readonly projectId?: string | undefined;
}

export const stateOf = (row: BlockRow, nowMs: number): BlockState => {
  if (row.lifted_at !== null) return "lifted";
  return row.ends_at !== null && row.ends_at <= nowMs ? "ended" : "in_force";
};

const isInForce = (nowMs: number) => (eb: Where) =>
  eb.and([eb("lifted_at", "is", null), eb.or([eb("ends_at", "is", null), eb("ends_at", ">", nowMs)])]);

export const blockStore = {
  async insert(db: Db, row: BlockRow): Promise<void> {
    await db.insertInto("blocks").values(row).execute();
  },

  async find(db: Db, id: string): Promise<BlockRow | undefined> {
    return await db.selectFrom("blocks").selectAll().where("id", "=", id).executeTakeFirst();
  },

  async findInForce(db: Db, kind: BlockKind, subject: string, nowMs: number): Promise<BlockRow | undefined> {
    return await db
      .selectFrom("blocks")
      .selectAll()
      .where("kind", "=", kind)
      .where("subject", "=", subject)
      .where(isInForce(nowMs))
      .executeTakeFirst();
  },

  /** @param ids null: all of them */
  async listInForce(db: Db, ids: readonly string[] | null, nowMs: number): Promise<BlockRow[]> {
    const all = db.selectFrom("blocks").selectAll().where(isInForce(nowMs));
    return await (ids === null ? all : all.where("id", "in", [...ids])).execute();
  },

  async countInForce(db: Db, nowMs: number): Promise<number> {
    const { count } = await db
      .selectFrom("blocks")
      .select((eb) => eb.fn.countAll().as("count"))
      .where(isInForce(nowMs))
      .executeTakeFirstOrThrow();
    return Number(count);
  },

  /** Newest first. */
  async list(db: Db, filter: BlockFilter, { limit, cursor }: PageRequest, nowMs: number): Promise<BlockRow[]> {
    let query = db.selectFrom("blocks").selectAll();
    const { kind, subject, state, projectId } = filter;
    if (kind !== undefined) query = query.where("kind", "=", kind);
    if (subject !== undefined) query = query.where("subject", "=", subject);
    if (state === "lifted") query = query.where("lifted_at", "is not", null);
    if (state === "ended") query = query.where("lifted_at", "is", null).where("ends_at", "<=", nowMs);
    if (state === "in_force") query = query.where(isInForce(nowMs));
    if (projectId !== undefined) {
      query = query.where((eb) =>
        eb.or([eb("project_id", "=", projectId), eb.and([eb("kind", "=", "project"), eb("subject", "=", projectId)])]),
      );
    }
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    return await query
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
  },

  async lift(
    db: Db,
    id: string,
    lifted: { readonly by: string; readonly reason: string; readonly atMs: number },
  ): Promise<BlockRow | undefined> {
    return await db
      .updateTable("blocks")
      .set({ lifted_at: lifted.atMs, lifted_by: lifted.by, lift_reason: lifted.reason })
      .where("id", "=", id)
      .where("lifted_at", "is", null)
      .returningAll()
      .executeTakeFirst();
  },
};
