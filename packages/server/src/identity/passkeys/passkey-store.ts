import type { Kysely } from "kysely";
import type { Realm } from "../realm.ts";

/** Columns of every table of passkeys, beside those of its realm; its key is the realm and the id. */
export interface PasskeyRow {
  /** The credential's id, base64url. */
  id: string;
  user_id: string;
  /** COSE key, base64url. */
  public_key: string;
  counter: number;
  /** JSON list. */
  transports: string;
  is_backed_up: number;
  name: string | null;
  created_at: number;
  last_used_at: number | null;
}

export interface PasskeyTables {
  passkeys: PasskeyRow;
}

type Db = Kysely<PasskeyTables>;
const MAX_LISTED = 100;

/** @param name what the table is called */
export function createPasskeyStore(name: string) {
  // The type's name stands for the table's.
  const table = name as "passkeys";
  const match = <Columns extends Partial<PasskeyRow>>(realm: Realm, columns: Columns) =>
    ({ ...realm, ...columns }) as Columns;

  return {
    /** False when it is somebody's already. */
    async insert(db: Db, realm: Realm, row: PasskeyRow): Promise<boolean> {
      const inserted = await db
        .insertInto(table)
        .values({ ...realm, ...row })
        .onConflict((conflict) => conflict.doNothing())
        .returning("id")
        .executeTakeFirst();
      return inserted !== undefined;
    },

    async find(db: Db, realm: Realm, id: string): Promise<PasskeyRow | undefined> {
      return await db
        .selectFrom(table)
        .selectAll()
        .where((eb) => eb.and(match(realm, { id })))
        .executeTakeFirst();
    },

    async listOf(db: Db, userId: string): Promise<PasskeyRow[]> {
      return await db
        .selectFrom(table)
        .selectAll()
        .where("user_id", "=", userId)
        .orderBy("created_at")
        .limit(MAX_LISTED)
        .execute();
    },

    async markUsed(
      db: Db,
      realm: Realm,
      id: string,
      use: { readonly counter: number; readonly isBackedUp: boolean; readonly nowMs: number },
    ): Promise<void> {
      await db
        .updateTable(table)
        .set({ counter: use.counter, is_backed_up: use.isBackedUp ? 1 : 0, last_used_at: use.nowMs })
        .where((eb) => eb.and(match(realm, { id })))
        .execute();
    },

    /** Undefined when they have no such one. */
    async rename(db: Db, realm: Realm, userId: string, id: string, newName: string): Promise<PasskeyRow | undefined> {
      return await db
        .updateTable(table)
        .set({ name: newName })
        .where((eb) => eb.and(match(realm, { user_id: userId, id })))
        .returningAll()
        .executeTakeFirst();
    },

    /** False when they have no such one. */
    async remove(db: Db, realm: Realm, userId: string, id: string): Promise<boolean> {
      const removed = await db
        .deleteFrom(table)
        .where((eb) => eb.and(match(realm, { user_id: userId, id })))
        .returning("id")
        .executeTakeFirst();
      return removed !== undefined;
    },
  };
}
