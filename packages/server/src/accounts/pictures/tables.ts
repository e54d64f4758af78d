import type { SqlMigrations } from "../../kernel/sql/index.ts";

/** What an account or organisation says of its picture. */
export interface PictureColumns {
  /** Names it in its address and is new with every upload; null: there is none. */
  picture_id: string | null;
  /** Where its bytes are. */
  picture_blob: string | null;
}

export type PictureTables = {
  accounts: PictureColumns & { id: string };
  organisations: PictureColumns & { id: string };
};

export const pictureMigrations: SqlMigrations = {
  "0065_pictures": {
    async up(db, types) {
      for (const table of ["accounts", "organisations"]) {
        await db.schema.alterTable(table).addColumn("picture_id", types.text).execute();
        await db.schema.alterTable(table).addColumn("picture_blob", types.text).execute();
        await db.schema.createIndex(`${table}_picture`).on(table).column("picture_id").unique().execute();
        await db.schema.createIndex(`${table}_picture_blob`).on(table).column("picture_blob").execute();
      }
    },
  },
};
