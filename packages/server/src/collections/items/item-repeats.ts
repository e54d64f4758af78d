import { createHash } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { DatabaseService, SqlStatement } from "../../database/service.ts";
import { mainDatabase } from "../definition-store.ts";
import type { ItemCaller } from "./caller.ts";
import type { Item } from "./item-codec.ts";

/** One creation of an item by its `Idempotency-Key`. */
export interface Repeatable {
  /** Of who creates what with which key. */
  readonly id: string;
  /** Of the body, to notice a key that is used again for something else. */
  readonly fingerprint: string;
}

/** What a key was first used for, and whether the table for it is there yet. */
export interface FirstUse {
  readonly item: Item | undefined;
  readonly isPrepared: boolean;
}

const TABLE = "aerostack_idempotent_items";
const CREATE: readonly SqlStatement[] = [
  `CREATE TABLE IF NOT EXISTS ${TABLE} (id TEXT NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL, item TEXT NOT NULL,
    created_at INTEGER NOT NULL) STRICT`,
  `CREATE INDEX IF NOT EXISTS ${TABLE}_age ON ${TABLE} (created_at)`,
].map((sql) => ({ sql, mode: "platform" }));
const KEPT_MS = 24 * 60 * 60_000;
/** Of those that are too old, how many a creation takes away: more than it adds. */
const MAX_REMOVED = 200;

const hash = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("base64url");

/**
 * Remembers for a day what items were created with a key: in the project's own database, in the transaction that creates
 * the item, so that there is never one without the other, whatever dies.
 */
export function createItemRepeats({
  databases,
  clock,
}: {
  readonly databases: DatabaseService;
  readonly clock: Clock;
}) {
  return {
    /** The same key of another caller, or for another collection, is another. */
    identify(key: string, collection: string, { isTrusted, user }: ItemCaller, body: unknown): Repeatable {
      return { id: hash([isTrusted, user?.id ?? null, collection, key]), fingerprint: hash(body) };
    },

    /** @throws IDEMPOTENCY_KEY_REUSED where the key came with another body */
    async find(projectId: string, { id, fingerprint }: Repeatable): Promise<FirstUse> {
      const sql = `SELECT fingerprint, item FROM ${TABLE} WHERE id = ? AND created_at >= ?`;
      let rows: readonly (readonly unknown[])[];
      try {
        const params = [id, clock.now() - KEPT_MS];
        ({ rows } = await databases.query(mainDatabase(projectId), { sql, params }, "platform"));
      } catch (error) {
        if (!(error instanceof AerostackError && error.message.includes(`no such table: ${TABLE}`))) throw error;
        return { item: undefined, isPrepared: false };
      }
      const [row] = rows;
      if (row === undefined) return { item: undefined, isPrepared: true };
      if (row[0] !== fingerprint) throw new AerostackError("IDEMPOTENCY_KEY_REUSED");
      return { item: JSON.parse(String(row[1])) as Item, isPrepared: true };
    },

    /** What creates the item and remembers it, for one transaction. It fails where another call was first. */
    remember({ id, fingerprint }: Repeatable, item: Item, { isPrepared }: FirstUse): SqlStatement[] {
      const now = clock.now();
      const old = now - KEPT_MS;
      const ours: SqlStatement[] = [
        {
          sql: `DELETE FROM ${TABLE} WHERE rowid IN (SELECT rowid FROM ${TABLE} WHERE created_at < ? ORDER BY created_at LIMIT ?)`,
          params: [old, MAX_REMOVED],
        },
        { sql: `DELETE FROM ${TABLE} WHERE id = ? AND created_at < ?`, params: [id, old] },
        {
          sql: `INSERT INTO ${TABLE} (id, fingerprint, item, created_at) VALUES (?, ?, ?, ?)`,
          params: [id, fingerprint, JSON.stringify(item), now],
        },
      ].map((statement) => ({ ...statement, mode: "platform" }));
      return [...(isPrepared ? [] : CREATE), ...ours];
    },

    wasOvertaken: (error: unknown): boolean =>
      error instanceof AerostackError && error.message.includes(`UNIQUE constraint failed: ${TABLE}.id`),
  };
}
