import type { SqlMigrations } from "../sql/index.ts";

/** A type, not an interface, because Kysely adds it to other tables by an index signature. */
export type ChangeFeedTables = {
  /** One row: the number of the newest change. Whoever adds a change holds its lock until the commit. */
  change_feed_epoch: { id: number; epoch: number };
  change_feed: { epoch: number; subject: string; changed_at: number };
};

export const changeFeedMigrations: SqlMigrations = {
  "0001_change_feed": {
    async up(db, types) {
      await db.schema
        .createTable("change_feed_epoch")
        .addColumn("id", types.integer, (column) => column.primaryKey())
        .addColumn("epoch", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("change_feed")
        .addColumn("epoch", types.integer, (column) => column.notNull())
        .addColumn("subject", types.text, (column) => column.notNull())
        .addColumn("changed_at", types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("change_feed_key", ["epoch", "subject"])
        .execute();
      await db.withTables<ChangeFeedTables>().insertInto("change_feed_epoch").values({ id: 1, epoch: 0 }).execute();
    },
  },
};
