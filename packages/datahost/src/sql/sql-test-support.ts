import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AerostackError } from "@aerostack/contracts/errors";
import { systemClock } from "@aerostack/kernel";
import type { ChangesEvent } from "../changes/database-changes.ts";
import type { WatchRequest } from "../changes/watches.ts";
import { DEFAULT_LIMITS, type HostLimits } from "../limits.ts";
import type { DatabaseMethods, QueryResult, SqlMode } from "../protocol.ts";
import { createSqlServices, type SqlServices } from "./sql-services.ts";

/** The SQL engine on real files and with real processes, as the server calls it. */
export interface SqlUnderTest {
  readonly dataDir: string;
  readonly services: SqlServices;
  query(sql: string, params?: unknown[], options?: QueryOptions): Promise<QueryResult>;
  call<M extends keyof DatabaseMethods>(
    method: M,
    params: DatabaseMethods[M]["params"],
  ): Promise<DatabaseMethods[M]["result"]>;
  /** Bytes of every file of the data folder. */
  readAllBytes(): Buffer;
  /** Failures that are nobody's statement. */
  readonly defects: string[];
  /** What was told of watched tables. */
  readonly told: ChangesEvent[];
  /** Opens the same files once more, as after a restart. */
  reopen(watches?: readonly WatchRequest[]): Promise<void>;
  close(): Promise<void>;
}

export interface QueryOptions {
  readonly projectId?: string;
  readonly database?: string;
  readonly mode?: SqlMode;
}

export const MASTER_KEY = Buffer.alloc(32, 7);

export function startSql(limits: Partial<HostLimits> = {}): SqlUnderTest {
  const dataDir = mkdtempSync(join(tmpdir(), "sql-"));
  const defects: string[] = [];
  const told: ChangesEvent[] = [];
  const open = (watches: readonly WatchRequest[] = []) =>
    createSqlServices({
      dataDir,
      masterKey: MASTER_KEY,
      limits: { ...DEFAULT_LIMITS, ...limits },
      clock: systemClock,
      onError: (error, where) => defects.push(`${where}: ${String(error)}`),
      sendPieces: (body) => JSON.parse(body.toString()),
      watches,
      onChanges: (event) => told.push(event),
    });
  let services = open();

  const call = async (method: string, params: unknown) => {
    const handlers = services.rpc as unknown as Record<string, (params: unknown) => unknown>;
    return await handlers[method]?.(params);
  };

  return {
    dataDir,
    get services() {
      return services;
    },
    defects,
    told,
    call: call as SqlUnderTest["call"],
    async query(sql, params = [], { projectId = "prj_a", database = "main", mode = "full" } = {}) {
      return (await call("db.query", { projectId, database, sql, params, mode })) as QueryResult;
    },
    readAllBytes() {
      const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      return Buffer.concat(files.map((entry) => readFileSync(join(entry.parentPath, entry.name))));
    },
    async reopen(watches) {
      await services.close();
      services = open(watches);
      services.start();
    },
    async close() {
      await services.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** What a call fails with. */
export async function failureOf(running: Promise<unknown>): Promise<AerostackError> {
  try {
    await running;
  } catch (error) {
    return error as AerostackError;
  }
  throw new Error("it did not fail");
}

/** A statement that never ends by itself. */
export const RUNAWAY_READ = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) AS m FROM c";
export const RUNAWAY_WRITE =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) INSERT INTO t (v) SELECT x FROM c WHERE x < 0";

const UNTIL_TIMEOUT_MS = 20_000;

/** Resolves once the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > UNTIL_TIMEOUT_MS) throw new Error("it does not come to hold");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
