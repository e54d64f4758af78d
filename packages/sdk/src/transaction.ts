import type { D1Database } from "@cloudflare/workers-types";

/** What may be done inside a transaction: D1's own statements, running one after another in it. */
export type Transaction = Pick<D1Database, "prepare" | "exec">;

export interface TransactionOptions {
  /** How long the transaction may take before it is rolled back; 1 to 5,000, and 5,000 unless given. */
  readonly leaseMs?: number;
}

/** `env.DB` as functions on Aerostack get it: D1, and interactive transactions. */
export interface TransactionalDatabase extends D1Database {
  transaction<Result>(callback: (tx: Transaction) => Promise<Result>, options?: TransactionOptions): Promise<Result>;
}

function isTransactional(database: D1Database): database is TransactionalDatabase {
  return typeof (database as Partial<TransactionalDatabase>).transaction === "function";
}

/**
 * Runs `callback` in one transaction: committed when it resolves, with its value; rolled back when it throws or the lease
 * is over. Reads in it see its own writes, and no other write comes between. Keep it short and do nothing else in it:
 * other writes of the database wait meanwhile, and a write by `env.DB` inside the callback would wait for itself.
 *
 * @throws Error where the database has no interactive transactions (Cloudflare's own D1); otherwise what `callback` throws
 * @example
 * const left = await transaction(env.DB, async (tx) => {
 *   const { stock } = await tx.prepare("SELECT stock FROM items WHERE id = ?").bind(id).first();
 *   if (stock === 0) throw new Error("sold out");
 *   await tx.prepare("UPDATE items SET stock = stock - 1 WHERE id = ?").bind(id).run();
 *   return stock - 1;
 * });
 */
export async function transaction<Result>(
  database: D1Database,
  callback: (tx: Transaction) => Promise<Result>,
  options: TransactionOptions = {},
): Promise<Result> {
  if (!isTransactional(database)) {
    throw new Error("This database has no interactive transactions; use batch() for statements that belong together.");
  }
  return await database.transaction(callback, options);
}
