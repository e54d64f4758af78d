import { createHmac } from "node:crypto";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { networkOfAddress } from "../kernel/limiter/address-key.ts";
import type { ColumnTypes, Sql } from "../kernel/sql/index.ts";
import { type AttemptCounter, NO_ATTEMPTS, oneMoreAttempt } from "./attempt-lock.ts";

/**
 * The few networks from which somebody logged in last. Wrong codes from each of them are counted by themselves, and those
 * from anywhere else together: whoever types wrong codes from elsewhere locks out whoever else comes from elsewhere, and not
 * the owner at home. So there are at most three wrong codes an hour from all of the world that the owner never came from, and
 * three for each of `MAX_KNOWN_NETWORKS` networks.
 */
export interface KnownNetworks {
  /** In the transaction that opens a session. The network that was not used for longest makes room. */
  remember<Tables>(trx: Kysely<Tables>, userId: string, ip: string | null): Promise<void>;
  /** @param userId null, for whoever is not known, takes the same time */
  originOf(userId: string | null, ip: string | null): Promise<AttemptOrigin>;
  /** Counts a guess at the second factor from a known network; undefined while it is locked. */
  countAttempt(userId: string, network: string, nowMs: number): Promise<AttemptCounter | undefined>;
  findCounter(userId: string, network: string): Promise<AttemptCounter | undefined>;
  forgiveAttempts<Tables>(trx: Kysely<Tables>, userId: string, network: string): Promise<void>;
  /** For when it turns out that whoever logged in so far need not have been the owner. */
  forget<Tables>(trx: Kysely<Tables>, userId: string): Promise<void>;
  removeExpired(): Promise<void>;
}

/** From where a guess comes. */
export interface AttemptOrigin {
  /** The known network; null: from elsewhere. */
  readonly network: string | null;
  /** All that are known of the user. */
  readonly known: readonly string[];
}

/** Columns of a table of known networks; one row for each. */
export interface KnownNetworkRow extends AttemptCounter {
  user_id: string;
  /** HMAC of user and network. */
  network: string;
  last_used_at: number;
}

/** @param owner the column that `user_id` refers to */
export async function createKnownNetworksTable(
  db: Kysely<unknown>,
  types: ColumnTypes,
  table: string,
  owner: string,
): Promise<void> {
  await db.schema
    .createTable(table)
    .addColumn("user_id", types.text, (column) => column.notNull().references(owner).onDelete("cascade"))
    .addColumn("network", types.text, (column) => column.notNull())
    .addColumn("last_used_at", types.integer, (column) => column.notNull())
    .addColumn("failures", types.integer, (column) => column.notNull())
    .addColumn("window_started_at", types.integer, (column) => column.notNull())
    .addColumn("locked_until", types.integer, (column) => column.notNull())
    .addPrimaryKeyConstraint(`${table}_key`, ["user_id", "network"])
    .execute();
  await db.schema.createIndex(`${table}_expiry`).on(table).column("last_used_at").execute();
}

export const MAX_KNOWN_NETWORKS = 5;
const FORGOTTEN_AFTER_MS = 90 * 24 * 60 * 60_000;

export interface KnownNetworksOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  /** 32 bytes. There are only some millions of networks: whoever read the table without it would have tried them all. */
  readonly key: Uint8Array;
  /** Its columns are those of `KnownNetworkRow`. */
  readonly table: string;
}

interface Tables {
  networks: KnownNetworkRow;
}

export function createKnownNetworks({ sql, clock, key, ...options }: KnownNetworksOptions): KnownNetworks {
  const { db } = sql.withTables<Tables>();
  // The type's name stands for the table's.
  const table = options.table as "networks";
  const within = <Any>(trx: Kysely<Any>) => trx as unknown as Kysely<Tables>;
  const hashOf = (userId: string, ip: string): string =>
    createHmac("sha256", key)
      .update(JSON.stringify(["network", userId, networkOfAddress(ip)]))
      .digest("hex");

  return {
    async remember(anyTrx, userId, ip) {
      if (ip === null) return;
      const trx = within(anyTrx);
      const last_used_at = clock.now();
      await trx
        .insertInto(table)
        .values({ user_id: userId, network: hashOf(userId, ip), last_used_at, ...NO_ATTEMPTS })
        .onConflict((conflict) => conflict.columns(["user_id", "network"]).doUpdateSet({ last_used_at }))
        .execute();
      const newest = trx
        .selectFrom(table)
        .select("network")
        .where("user_id", "=", userId)
        .orderBy("last_used_at", "desc")
        .orderBy("network")
        .limit(MAX_KNOWN_NETWORKS);
      await trx.deleteFrom(table).where("user_id", "=", userId).where("network", "not in", newest).execute();
    },

    async originOf(userId, ip) {
      const rows = await db
        .selectFrom(table)
        .select("network")
        .where("user_id", "=", userId ?? "")
        .execute();
      const known = rows.map(({ network }) => network);
      const own = ip === null ? "" : hashOf(userId ?? "", ip);
      return { network: known.includes(own) ? own : null, known };
    },

    async countAttempt(userId, network, nowMs) {
      return await db
        .updateTable(table)
        .set(oneMoreAttempt(nowMs))
        .where("user_id", "=", userId)
        .where("network", "=", network)
        .where("locked_until", "<=", nowMs)
        .returningAll()
        .executeTakeFirst();
    },

    async findCounter(userId, network) {
      return await db
        .selectFrom(table)
        .selectAll()
        .where("user_id", "=", userId)
        .where("network", "=", network)
        .executeTakeFirst();
    },

    async forgiveAttempts(anyTrx, userId, network) {
      await within(anyTrx)
        .updateTable(table)
        .set({ ...NO_ATTEMPTS })
        .where("user_id", "=", userId)
        .where("network", "=", network)
        .execute();
    },

    async forget(anyTrx, userId) {
      await within(anyTrx).deleteFrom(table).where("user_id", "=", userId).execute();
    },

    async removeExpired() {
      await db
        .deleteFrom(table)
        .where("last_used_at", "<=", clock.now() - FORGOTTEN_AFTER_MS)
        .execute();
    },
  };
}
