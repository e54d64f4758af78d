import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@aerostack/kernel";
import { createChangesRpc } from "../changes/changes-rpc.ts";
import type { ChangesEvent } from "../changes/database-changes.ts";
import { createWatches, type WatchRequest } from "../changes/watches.ts";
import { createChildPool } from "../children/child-pool.ts";
import { SQL_PROCESS_ENTRY } from "../children/child-process.ts";
import { createProcessLedger } from "../children/process-ledger.ts";
import { createD1BindingHandler } from "../d1/d1-binding.ts";
import { createDatabaseFiles, type DatabaseFile } from "../files/database-files.ts";
import type { PiecesNotice } from "../large-results.ts";
import type { HostLimits } from "../limits.ts";
import type { DatabaseScope, HostStats } from "../protocol.ts";
import { createTransactions } from "../transactions/transactions.ts";
import { createTransfers } from "../transfer/transfers.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { createD1Engine } from "./d1-engine.ts";
import { createDatabaseRpc } from "./database-rpc.ts";
import { createSqlEngine } from "./engine.ts";
import { createUserDatabases } from "./user-databases.ts";

export interface SqlServicesOptions {
  readonly dataDir: string;
  readonly masterKey: Uint8Array;
  readonly limits: HostLimits;
  readonly clock: Clock;
  /** A failure that is nobody's statement. */
  readonly onError: (error: unknown, where: string) => void;
  readonly sendPieces: (body: Buffer) => Promise<PiecesNotice>;
  /** Tables that are watched already: what an earlier process left untold is told first. */
  readonly watches?: readonly WatchRequest[];
  /** What of a watched table was changed, in the order of the commits and after them. */
  readonly onChanges: (event: ChangesEvent) => void;
}

export type SqlStats = Omit<HostStats, "uptimeMs" | "grants" | "memoryBytes">;

const CLOSE_IDLE_INTERVAL_MS = 5_000;

/** The SQL engine put together: the databases of all projects, the processes that run long statements, and both doors to it. */
export function createSqlServices(options: SqlServicesOptions) {
  const { limits, clock, onError } = options;
  const files = createDatabaseFiles(options.dataDir, options.masterKey);
  const ledger = createProcessLedger(join(options.dataDir, "run", "sql"), SQL_PROCESS_ENTRY);
  ledger.killLeftOver();
  const pool = (role: "reader" | "writer") =>
    createChildPool({ role, limits, ledger, onDefect: (description) => onError(description, `SQL ${role}`) });
  const readers = pool("reader");
  const writers = pool("writer");
  const checkpoints = createCheckpoints({
    idleMs: limits.childIdleMs,
    onFailure: (file, message) => onError(message, `checkpoint of ${file.projectId}/${file.database}`),
  });
  const watches = createWatches();
  for (const request of options.watches ?? []) watches.set(request);
  const databases = createUserDatabases({
    watches,
    onChanges: options.onChanges,
    files,
    limits,
    clock,
    checkpoints,
    async releaseElsewhere({ path }) {
      await Promise.all([readers.releaseFile(path), writers.releaseFile(path)]);
    },
  });
  const engine = createSqlEngine({ databases, readers, writers, limits });
  const transactions = createTransactions({ databases, writers, limits });
  const transfers = createTransfers({ databases, readers, writers, limits });
  const idleTimer = setInterval(databases.closeIdle, CLOSE_IDLE_INTERVAL_MS);
  idleTimer.unref();

  async function endWork(projectId: string): Promise<void> {
    transfers.abort(projectId);
    await transactions.abort(projectId);
  }

  async function deleteDatabase({ projectId, database }: DatabaseScope): Promise<void> {
    const file = files.locate(projectId, database);
    await endWork(projectId);
    await databases.delete([file], () => files.remove(file));
  }

  return {
    bindings: { d1: createD1BindingHandler({ engine: createD1Engine({ engine, transactions, transfers }) }) },
    rpc: {
      ...createDatabaseRpc({
        engine,
        transactions,
        transfers,
        files,
        deleteDatabase,
        sendPieces: options.sendPieces,
      }),
      ...createChangesRpc({ watches, databases, files }),
    },

    /** Tells what an earlier process left untold. */
    start(): void {
      for (const { projectId, database } of watches.all()) {
        if (existsSync(files.locate(projectId, database).path)) databases.get(projectId, database).connection();
      }
    },

    dump: transfers.dump,

    /** Every database of a project, for good. */
    async deleteProject(projectId: string): Promise<void> {
      await endWork(projectId);
      watches.forgetProject(projectId);
      const all: DatabaseFile[] = files.list(projectId).map(({ name }) => files.locate(projectId, name));
      await databases.delete(all, () => files.removeProject(projectId));
    },

    stats(): SqlStats {
      return {
        openDatabases: databases.openCount,
        waitingWrites: databases.waitingWrites,
        waitingReads: readers.waiting,
        readers: readers.size,
        writers: writers.size,
        transactions: transactions.count,
        commits: databases.commits,
        ...engine.stats,
      };
    },

    /** Ends transactions, lets what was accepted be committed, and copies the logs into the databases. */
    async close(): Promise<void> {
      clearInterval(idleTimer);
      transfers.abort();
      await transactions.abort();
      await databases.close();
      await Promise.all([readers.close(), writers.close()]);
      await checkpoints.close();
    },
  };
}

export type SqlServices = ReturnType<typeof createSqlServices>;
