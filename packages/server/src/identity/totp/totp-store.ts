import type { Kysely } from "kysely";
import { type AttemptCounter, NO_ATTEMPTS, oneMoreAttempt } from "../attempt-lock.ts";
import type { Realm } from "../realm.ts";

/** Columns of every table of authenticators, beside those of its realm. */
export interface TotpRow extends AttemptCounter {
  user_id: string;
  /** Sealed. */
  secret: string;
  /** Null: the person has not shown yet that their authenticator knows it. */
  confirmed_at: number | null;
  /** The newest time step of which a code was taken: no code is taken twice. */
  last_step: number;
  created_at: number;
}

export interface RecoveryCodeRow {
  /** SHA-256 of user and code. */
  hash: string;
  user_id: string;
}

export interface TotpTables {
  totp: TotpRow;
  recoveryCodes: RecoveryCodeRow;
}

type Db = Kysely<TotpTables>;

export type TotpStore = ReturnType<typeof createTotpStore>;

/** @param names what the tables are called */
export function createTotpStore(names: Readonly<Record<keyof TotpTables, string>>) {
  // The types' names stand for the tables'.
  const totp = names.totp as "totp";
  const recoveryCodes = names.recoveryCodes as "recoveryCodes";

  return {
    async find(db: Db, userId: string): Promise<TotpRow | undefined> {
      return await db.selectFrom(totp).selectAll().where("user_id", "=", userId).executeTakeFirst();
    },

    async replace(db: Db, row: TotpRow, realm: Realm): Promise<void> {
      await db.deleteFrom(totp).where("user_id", "=", row.user_id).execute();
      await db
        .insertInto(totp)
        .values({ ...realm, ...row })
        .execute();
    },

    /** Counts an attempt; undefined when it is locked, or there is no such authenticator. */
    async countAttempt(db: Db, userId: string, nowMs: number): Promise<TotpRow | undefined> {
      return await db
        .updateTable(totp)
        .set(oneMoreAttempt(nowMs))
        .where("user_id", "=", userId)
        .where("locked_until", "<=", nowMs)
        .returningAll()
        .executeTakeFirst();
    },

    /** False when a code of this step, or a later one, was taken before. */
    async takeStep(db: Db, userId: string, step: number): Promise<boolean> {
      const row = await db
        .updateTable(totp)
        .set({ last_step: step })
        .where("user_id", "=", userId)
        .where("last_step", "<", step)
        .returning("user_id")
        .executeTakeFirst();
      return row !== undefined;
    },

    /** False when it was used before. */
    async takeRecoveryCode(db: Db, userId: string, hash: string): Promise<boolean> {
      const row = await db
        .deleteFrom(recoveryCodes)
        .where("hash", "=", hash)
        .where("user_id", "=", userId)
        .returning("hash")
        .executeTakeFirst();
      return row !== undefined;
    },

    async forgiveAttempts(db: Db, userId: string): Promise<void> {
      await db
        .updateTable(totp)
        .set({ ...NO_ATTEMPTS })
        .where("user_id", "=", userId)
        .execute();
    },

    async confirm(db: Db, userId: string, nowMs: number): Promise<void> {
      await db.updateTable(totp).set({ confirmed_at: nowMs }).where("user_id", "=", userId).execute();
    },

    async replaceRecoveryCodes(db: Db, userId: string, hashes: readonly string[]): Promise<void> {
      await db.deleteFrom(recoveryCodes).where("user_id", "=", userId).execute();
      if (hashes.length === 0) return;
      await db
        .insertInto(recoveryCodes)
        .values(hashes.map((hash) => ({ hash, user_id: userId })))
        .execute();
    },

    async remove(db: Db, userId: string): Promise<void> {
      await db.deleteFrom(totp).where("user_id", "=", userId).execute();
      await db.deleteFrom(recoveryCodes).where("user_id", "=", userId).execute();
    },

    async countRecoveryCodes(db: Db, userId: string): Promise<number> {
      const { count } = await db
        .selectFrom(recoveryCodes)
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("user_id", "=", userId)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
  };
}
