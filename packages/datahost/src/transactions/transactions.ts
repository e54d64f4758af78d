import { randomUUID } from "node:crypto";
import { AerostackError } from "@aerostack/contracts/errors";
import type { ChildPool, SqlProcessLease } from "../children/child-pool.ts";
import { ChildCrashed } from "../children/child-process.ts";
import type { ChildRequest } from "../children/child-protocol.ts";
import type { HostLimits } from "../limits.ts";
import type { SqlMode } from "../protocol.ts";
import type { ResultFormat } from "../sql/encode-results.ts";
import { findCommitted, type QueryText, toChildDatabase, toChildQuery } from "../sql/engine.ts";
import { planText } from "../sql/plan.ts";
import { checkMode } from "../sql/sql-mode.ts";
import type { UserDatabase } from "../sql/user-database.ts";
import type { UserDatabases } from "../sql/user-databases.ts";
import type { NumberBinding } from "../sql/values.ts";

export interface TransactionScope {
  readonly projectId: string;
  readonly database: string;
}

export interface TransactionQuery {
  readonly queries: readonly QueryText[];
  readonly single: boolean;
  readonly format: ResultFormat;
  readonly numbers: NumberBinding;
}

/**
 * Interactive transactions: a caller reads, decides and writes, while nobody else writes to the database. Each has a lease;
 * when it ends, the transaction is rolled back, for a caller that is gone must not hold up the others. Readers do not wait.
 */
export interface Transactions {
  /**
   * @param leaseMs at most `limits.maxTransactionMs`, from the moment the transaction began.
   * @throws AerostackError DB_OVERLOADED when its turn did not come in time.
   */
  begin(
    scope: TransactionScope,
    options: { readonly leaseMs?: number | undefined; readonly mode: SqlMode },
  ): Promise<{ transactionId: string; leaseMs: number }>;
  /** @throws AerostackError DB_TRANSACTION_EXPIRED, and as a query does; a failed statement leaves the transaction open. */
  query(transactionId: string, request: TransactionQuery, projectId?: string): Promise<Buffer>;
  /** Resolves once everything in it is durable. */
  commit(transactionId: string, writeId?: string | undefined, projectId?: string): Promise<void>;
  /** Does nothing where the transaction is over. */
  rollback(transactionId: string, projectId?: string): Promise<void>;
  /** Ends all of a project's, or all there are. */
  abort(projectId?: string): Promise<void>;
  readonly count: number;
}

export interface TransactionsOptions {
  readonly databases: UserDatabases;
  readonly writers: ChildPool;
  readonly limits: HostLimits;
}

/** How long a process may take for what takes no time, such as a rollback, before it is killed. */
const CONTROL_TIMEOUT_MS = 2_000;
const MIN_LEASE_MS = 10;

interface OpenTransaction {
  readonly id: string;
  readonly scope: TransactionScope;
  readonly database: UserDatabase;
  readonly mode: SqlMode;
  readonly lease: SqlProcessLease;
  readonly schemaMayChange: () => void;
  /** Gives the process and the database's turn back. */
  readonly end: () => void;
  readonly timer: NodeJS.Timeout;
  /** The statement that runs now: they run one after the other. */
  tail: Promise<unknown>;
  expired: boolean;
}

export function createTransactions({ databases, writers, limits }: TransactionsOptions): Transactions {
  const open = new Map<string, OpenTransaction>();

  /** @param projectId where the id comes from a project's own code. */
  function find(transactionId: string, projectId: string | undefined): OpenTransaction {
    const transaction = open.get(transactionId);
    const isTheirs = projectId === undefined || transaction?.scope.projectId === projectId;
    if (transaction === undefined || !isTheirs) throw new AerostackError("DB_TRANSACTION_EXPIRED");
    return transaction;
  }

  /** One after the other, each with what is left of the lease. */
  function send(transaction: OpenTransaction, request: ChildRequest, maxMs: number): Promise<{ body: Buffer }> {
    const run = async () => {
      if (!open.has(transaction.id)) throw new AerostackError("DB_TRANSACTION_EXPIRED");
      try {
        return await transaction.lease.process.run(request, maxMs);
      } catch (error) {
        const isGone = error instanceof ChildCrashed || isTimeout(error);
        if (isGone) finish(transaction);
        if (transaction.expired || error instanceof ChildCrashed) {
          throw new AerostackError("DB_TRANSACTION_EXPIRED", { cause: error });
        }
        throw error;
      }
    };
    const result = transaction.tail.then(run, run);
    transaction.tail = result.catch(() => {});
    return result;
  }

  function finish(transaction: OpenTransaction): void {
    if (!open.delete(transaction.id)) return;
    clearTimeout(transaction.timer);
    transaction.end();
  }

  /** A statement that runs is killed with its process; SQLite undoes what was not committed. */
  function expire(transaction: OpenTransaction): Promise<void> {
    transaction.expired = true;
    let idle = false;
    void transaction.tail.then(() => {
      idle = true;
    });
    return new Promise((resolve) => {
      setImmediate(() => {
        if (!idle) transaction.lease.process.kill();
        void rollBack(transaction).then(resolve);
      });
    });
  }

  async function rollBack(transaction: OpenTransaction): Promise<void> {
    try {
      await send(transaction, { kind: "tx.rollback" }, CONTROL_TIMEOUT_MS);
    } catch {
      // Its process is gone, and the transaction with it.
      transaction.lease.process.kill();
    } finally {
      finish(transaction);
    }
  }

  function begin(
    scope: TransactionScope,
    { leaseMs, mode }: { readonly leaseMs?: number | undefined; readonly mode: SqlMode },
  ): Promise<{ transactionId: string; leaseMs: number }> {
    const database = databases.get(scope.projectId, scope.database);
    const grantedMs = Math.min(Math.max(leaseMs ?? limits.maxTransactionMs, MIN_LEASE_MS), limits.maxTransactionMs);
    return new Promise((resolve, reject) => {
      let gaveUp = false;
      const turnTimer = setTimeout(() => {
        gaveUp = true;
        reject(new AerostackError("DB_OVERLOADED", { retryAfterSeconds: 1 }));
      }, limits.queryTimeoutMs);
      const hold = async () => {
        if (gaveUp) return;
        database.connection();
        await database.withForeignWriter(async (schemaMayChange) => {
          const lease = await writers.acquire(scope.projectId);
          try {
            const request = {
              kind: "tx.begin",
              database: toChildDatabase(database),
              allowDdl: mode !== "data",
            } as const;
            await lease.process.run(request, limits.queryTimeoutMs);
            clearTimeout(turnTimer);
            if (gaveUp) {
              await lease.process.run({ kind: "tx.rollback" }, CONTROL_TIMEOUT_MS);
              return;
            }
            await new Promise<void>((end) => {
              const transaction: OpenTransaction = {
                id: `tx_${randomUUID()}`,
                scope,
                database,
                mode,
                lease,
                schemaMayChange,
                end,
                timer: setTimeout(() => void expire(transaction), grantedMs),
                tail: Promise.resolve(),
                expired: false,
              };
              open.set(transaction.id, transaction);
              resolve({ transactionId: transaction.id, leaseMs: grantedMs });
            });
          } finally {
            lease.release();
          }
        });
      };
      database.writes.runExclusive(hold).catch((error: unknown) => {
        clearTimeout(turnTimer);
        reject(error instanceof ChildCrashed ? new AerostackError("SERVICE_UNAVAILABLE", { cause: error }) : error);
      });
    });
  }

  return {
    begin,
    async query(transactionId, request, projectId) {
      const transaction = find(transactionId, projectId);
      const plans = request.queries.map(({ sql }) => planText(sql, limits));
      for (const plan of plans) checkMode(plan, transaction.mode);
      if (plans.some((plan) => plan.isDdl)) transaction.schemaMayChange();
      const { body } = await send(
        transaction,
        { kind: "tx.query", ...request, queries: request.queries.map(toChildQuery) },
        limits.queryTimeoutMs,
      );
      return body;
    },
    async commit(transactionId, writeId, projectId) {
      const transaction = find(transactionId, projectId);
      const id = writeId ?? randomUUID();
      const sentAt = transaction.database.now();
      try {
        await send(transaction, { kind: "tx.commit", writeId: id }, limits.queryTimeoutMs);
      } catch (error) {
        // Its process may have ended after it had committed.
        const isOver = !open.has(transactionId);
        if (!isOver || (await findCommitted(transaction.database, id, sentAt)) === undefined) throw error;
      } finally {
        finish(transaction);
      }
    },
    async rollback(transactionId, projectId) {
      if (open.has(transactionId)) await rollBack(find(transactionId, projectId));
    },
    async abort(projectId) {
      const all = [...open.values()].filter(({ scope }) => projectId === undefined || scope.projectId === projectId);
      await Promise.all(all.map(expire));
    },
    get count() {
      return open.size;
    },
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof AerostackError && error.code === "DB_QUERY_TIMEOUT";
}
