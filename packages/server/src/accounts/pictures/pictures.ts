import { Readable } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { BlobMissingError, type BlobStore, type Clock, randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../../audit/record.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Limiter, LimitPolicy } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { PictureTables } from "./tables.ts";

/**
 * Responsible for the pictures of accounts and organisations. What was sent is never kept, only what is drawn anew from its
 * pixels: neither where it was taken nor what else the file holds comes along.
 */
export interface Pictures {
  /**
   * In place of the one that there was.
   *
   * @returns the picture's id
   * @throws UNSUPPORTED_MEDIA_TYPE for what is no picture · STORAGE_FILE_TOO_LARGE · RATE_LIMIT_EXCEEDED
   */
  set(owner: PictureOwner, source: Uint8Array): Promise<string>;
  remove(owner: PictureOwner): Promise<void>;
  /** By its id, which tells nothing of whose it is. Null: there is none. */
  read(pictureId: string): Promise<Buffer | null>;
  /** Removes bytes that nobody's picture is any more. */
  collect(): Promise<void>;
}

export type PictureOwner = { readonly kind: "account" | "organisation"; readonly id: string };

/** Makes the square picture that is kept. */
export type DrawPicture = (source: Uint8Array) => Promise<Uint8Array>;

const UPLOADS_PER_OWNER: LimitPolicy = { limit: 20, windowMs: 60 * 60_000 };
/** 160 random bits. */
const ID_CHARACTERS = 32;
/** Bytes are stored before the picture is written down. */
const COLLECTED_AFTER_MS = 60 * 60_000;

const PLACE = {
  account: { table: "accounts", changed: "account.picture_changed", removed: "account.picture_removed" },
  organisation: { table: "organisations", changed: "organisation.logo_changed", removed: "organisation.logo_removed" },
} as const;

export interface PicturesOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly blobs: BlobStore;
  readonly draw: DrawPicture;
}

export function createPictures(options: PicturesOptions): Pictures {
  const { clock, changes, limiter, audit, blobs, draw } = options;
  const sql = options.sql.withTables<PictureTables>();

  /** False where it was so before, or the owner is gone. */
  async function write({ kind, id }: PictureOwner, columns: PictureTables["accounts"] | null): Promise<boolean> {
    const { table, changed, removed } = PLACE[kind];
    return await changes.commit(sql, [`${kind}:${id}`], async (trx) => {
      const row = await trx
        .updateTable(table)
        .set({ picture_id: columns?.picture_id ?? null, picture_blob: columns?.picture_blob ?? null })
        .where("id", "=", id)
        .$if(columns === null, (query) => query.where("picture_id", "is not", null))
        .returning("id")
        .executeTakeFirst();
      if (row === undefined) return false;
      await audit.record(trx, {
        action: columns === null ? removed : changed,
        target: { kind, id },
        organisationId: kind === "organisation" ? id : null,
      });
      return true;
    });
  }

  return {
    async set(owner, source) {
      await requireAllowed(limiter, `picture:${owner.kind}:${owner.id}`, UPLOADS_PER_OWNER);
      const picture = await draw(source);
      const { id: picture_blob } = await blobs.put(Readable.from([picture]));
      const picture_id = randomText(ID_CHARACTERS);
      if (!(await write(owner, { id: owner.id, picture_id, picture_blob }))) throw new AerostackError("NOT_FOUND");
      return picture_id;
    },

    async remove(owner) {
      await write(owner, null);
    },

    async read(pictureId) {
      const blob = (await blobOf(sql.db, "accounts", pictureId)) ?? (await blobOf(sql.db, "organisations", pictureId));
      if (blob === null) return null;
      try {
        return Buffer.concat(await (await blobs.get(blob)).toArray());
      } catch (error) {
        if (error instanceof BlobMissingError) return null;
        throw error;
      }
    },

    async collect() {
      const storedBefore = clock.now() - COLLECTED_AFTER_MS;
      for await (const { id, storedAt } of blobs.list()) {
        if (storedAt >= storedBefore || (await isUsed(sql.db, id))) continue;
        await blobs.delete(id, { storedBefore });
      }
      await blobs.discardPartial(storedBefore);
    },
  };
}

async function blobOf(
  db: Kysely<PictureTables>,
  table: "accounts" | "organisations",
  pictureId: string,
): Promise<string | null> {
  const row = await db.selectFrom(table).select("picture_blob").where("picture_id", "=", pictureId).executeTakeFirst();
  return row?.picture_blob ?? null;
}

async function isUsed(db: Kysely<PictureTables>, blob: string): Promise<boolean> {
  for (const table of ["accounts", "organisations"] as const) {
    const row = await db.selectFrom(table).select("id").where("picture_blob", "=", blob).limit(1).executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}
