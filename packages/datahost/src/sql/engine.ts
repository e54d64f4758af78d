import { randomUUID } from "node:crypto";
import { AerostackError } from "@aerostack/contracts/errors";
import type { ChildPool } from "../children/child-pool.ts";
import { ChildCrashed } from "../children/child-process.ts";
import type { ChildAnswer, ChildDatabase, ChildRequest } from "../children/child-protocol.ts";
import type { HostLimits } from "../limits.ts";
import type { SqlMode } from "../protocol.ts";
import { answerApplied } from "./applied-writes.ts";
import type { CommittedWrite } from "./commit-log.ts";
import type { ResultContext, ResultFormat } from "./encode-results.ts";
import { type BoundQuery, runInline } from "./inline-run.ts";
import type { StatementResult } from "./run-statement.ts";
import { checkMode } from "./sql-mode.ts";
import { isBusy, toQueryError } from "./sqlite-errors.ts";
import type { UserDatabase } from "./user-database.ts";
import type { UserDatabases } from "./user-databases.ts";
import { type NumberBinding, toBindValues } from "./values.ts";
import { TooLongForHost } from "./write-queue.ts";

export interface QueryText {
  readonly sql: string;
  readonly params: readonly unknown[];
  /** Instead of the request's. */
  readonly mode?: SqlMode | undefined;
}

export interface RunRequest {
  readonly projectId: string;
  readonly database: string;
  /** More than one: a batch, all or none. */
  readonly queries: readonly QueryText[];
  /** Whether the answer is one result or a list. */
  readonly single: boolean;
  readonly mode: SqlMode;
  readonly format: ResultFormat;
  readonly numbers: NumberBinding;
  readonly writeId?: string | undefined;
  /** It was sent before, first at this time (milliseconds since the epoch); if it was committed then, it is not run again. */
  readonly firstSentAt?: number | undefined;
}

/** Results of statements that ran here, or the JSON of results that ran in another process. */
export type RunOutcome =
  | { readonly results: StatementResult[]; readonly context: ResultContext; readonly database: UserDatabase }
  | { readonly body: Buffer; readonly database: UserDatabase };

export interface EngineStats {
  inlineStatements: number;
  childStatements: number;
  killedStatements: number;
}

export interface SqlEngine {
  /**
   * Runs SQL. What ends quickly by proof runs at once and in this process; a read's result is then returned, not promised.
   *
   * @throws AerostackError DB_QUERY_FAILED, DB_STATEMENT_REFUSED, DB_QUERY_TIMEOUT, DB_RESULT_TOO_LARGE, DB_MEMORY_LIMIT,
   * DB_OVERLOADED, DB_WRITE_UNCERTAIN, NOT_FOUND.
   */
  run(request: RunRequest): RunOutcome | Promise<RunOutcome>;
  readonly stats: Readonly<EngineStats>;
}

export interface SqlEngineOptions {
  readonly databases: UserDatabases;
  readonly readers: ChildPool;
  readonly writers: ChildPool;
  readonly limits: HostLimits;
}

/** A process that ends under a statement is tried once more: it may have been another cause. */
const MAX_ATTEMPTS = 2;
const MAX_LOOKUP_MS = 2_000;

export function createSqlEngine({ databases, readers, writers, limits }: SqlEngineOptions): SqlEngine {
  const stats: EngineStats = { inlineStatements: 0, childStatements: 0, killedStatements: 0 };

  function bind(database: UserDatabase, request: RunRequest): BoundQuery[] {
    if (request.queries.length > limits.maxBatchStatements) {
      throw new AerostackError("DB_QUERY_FAILED", {
        message: `A batch has at most ${limits.maxBatchStatements} statements.`,
        fix: "Send several batches.",
      });
    }
    return request.queries.map(({ sql, params, mode }) => {
      const plan = database.plan(sql);
      checkMode(plan, mode ?? request.mode);
      return { plan, values: toBindValues(params, request.numbers, limits.maxValueBytes) };
    });
  }

  function readInline(database: UserDatabase, queries: readonly BoundQuery[]): StatementResult[] | undefined {
    const { sqlite } = database.connection();
    const needsSnapshot = queries.length > 1 || (queries[0]?.plan.statements.length ?? 0) > 1;
    if (needsSnapshot) sqlite.exec("BEGIN");
    try {
      const results = runInline(database, queries, limits.maxValueBytes);
      stats.inlineStatements += results.length;
      return results;
    } catch (error) {
      // A lock that is held for a moment: another process may wait for it, this one may not.
      if (error instanceof TooLongForHost || isBusy(error)) return undefined;
      throw toQueryError(error);
    } finally {
      if (needsSnapshot && sqlite.inTransaction) sqlite.exec("COMMIT");
    }
  }

  async function readElsewhere(database: UserDatabase, request: RunRequest): Promise<RunOutcome> {
    stats.childStatements += request.queries.length;
    return database.withForeignReader(async () => {
      for (let attempt = 1; ; attempt++) {
        const lease = await readers.acquire(request.projectId);
        try {
          const { body } = await lease.process.run(toChildRequest(database, request, false), limits.queryTimeoutMs);
          return { body, database };
        } catch (error) {
          noteKill(error);
          if (!(error instanceof ChildCrashed)) throw error;
          if (attempt === MAX_ATTEMPTS) throw new AerostackError("DB_MEMORY_LIMIT", { cause: error });
        } finally {
          lease.release();
        }
      }
    });
  }

  function write(database: UserDatabase, request: RunRequest, queries: readonly BoundQuery[]): Promise<RunOutcome> {
    const context = () => contextOf(database, false);
    if (!mayRunInline(database, queries)) {
      return database.writes.runExclusive(() => writeElsewhere(database, request, queries));
    }
    return new Promise((resolve, reject) => {
      const { writeId, firstSentAt } = request;
      database.writes.enqueue({
        isMultiStatement: queries.length > 1 || (queries[0]?.plan.statements.length ?? 0) > 1,
        isAlone: queries.some(({ plan }) => plan.statements.some(({ shape }) => shape.needsOwnTransaction)),
        run() {
          const applied = firstSentAt === undefined ? undefined : findApplied(database, writeId, firstSentAt);
          if (applied !== undefined) return { applied };
          const results = runInline(database, queries, limits.maxValueBytes);
          stats.inlineStatements += results.length;
          return results;
        },
        describe: writeId === undefined ? undefined : (value) => describeWrite(writeId, value),
        runElsewhere: () => writeElsewhere(database, request, queries),
        resolve(value) {
          if (Array.isArray(value)) resolve({ results: value as StatementResult[], context: context(), database });
          else if (isApplied(value)) resolveApplied(value.applied);
          else resolve(value as RunOutcome);
        },
        reject,
      });

      function resolveApplied(applied: CommittedWrite): void {
        try {
          resolve({ results: answerApplied(queries, applied), context: context(), database });
        } catch (error) {
          reject(error);
        }
      }
    });
  }

  /** Whether it is worth a turn with others in one commit. What fails to prepare is told so in its turn. */
  function mayRunInline(database: UserDatabase, queries: readonly BoundQuery[]): boolean {
    if (queries.some(({ plan }) => plan.isDdl)) return false;
    try {
      return queries.every(({ plan }) =>
        plan.statements.every((planned) => planned.shape.isNoop || database.compile(planned) !== null),
      );
    } catch {
      return true;
    }
  }

  /** In its turn of the write queue. */
  async function writeElsewhere(
    database: UserDatabase,
    request: RunRequest,
    queries: readonly BoundQuery[],
  ): Promise<RunOutcome> {
    stats.childStatements += request.queries.length;
    const writeId = request.writeId ?? randomUUID();
    const isVacuum = queries.some(({ plan }) => plan.statements.some(({ shape }) => shape.isVacuum));
    const sentAt = request.firstSentAt ?? database.now();
    const timeoutMs = isVacuum ? limits.maintenanceTimeoutMs : limits.queryTimeoutMs;
    // Its file and the platform's table in it are the host's to make.
    database.connection();
    return database.withForeignWriter(async (schemaMayChange) => {
      if (queries.some(({ plan }) => plan.isDdl)) schemaMayChange();
      for (let attempt = 1; ; attempt++) {
        const firstSentAt = attempt > 1 ? sentAt : request.firstSentAt;
        const lease = await writers.acquire(request.projectId);
        try {
          const child = { ...toChildRequest(database, request, true), writeId, firstSentAt };
          const { answer, body } = await lease.process.run(child, timeoutMs);
          return outcomeOf(database, queries, answer, body);
        } catch (error) {
          noteKill(error);
          const timedOut = error instanceof AerostackError && error.code === "DB_QUERY_TIMEOUT";
          if (timedOut) {
            const applied = await findCommitted(database, writeId, sentAt);
            if (applied !== undefined) return outcomeOf(database, queries, { applied }, EMPTY);
          }
          if (!(error instanceof ChildCrashed)) throw error;
          if (attempt === MAX_ATTEMPTS) throw new AerostackError("DB_MEMORY_LIMIT", { cause: error });
        } finally {
          lease.release();
        }
      }
    });
  }

  function outcomeOf(
    database: UserDatabase,
    queries: readonly BoundQuery[],
    answer: ChildAnswer,
    body: Buffer,
  ): RunOutcome {
    if (answer.applied === undefined) return { body, database };
    const context = contextOf(
      database,
      queries.some(({ plan }) => plan.isDdl),
    );
    return { results: answerApplied(queries, answer.applied), context, database };
  }

  function noteKill(error: unknown): void {
    const timedOut = error instanceof AerostackError && error.code === "DB_QUERY_TIMEOUT";
    if (timedOut || error instanceof ChildCrashed) stats.killedStatements++;
  }

  return {
    run(request) {
      const database = databases.get(request.projectId, request.database);
      const queries = bind(database, request);
      if (queries.some(({ plan }) => plan.isWrite)) return write(database, request, queries);
      const results = readInline(database, queries);
      if (results === undefined) return readElsewhere(database, request);
      return { results, context: contextOf(database, false), database };
    },
    stats,
  };
}

const EMPTY = Buffer.alloc(0);

function contextOf(database: UserDatabase, changedSchema: boolean): ResultContext {
  return { sizeAfterBytes: database.sizeBytes, changedSchema, commitSequence: database.commitSequence };
}

export function toChildDatabase(database: UserDatabase): ChildDatabase {
  const { watch } = database;
  return {
    path: database.file.path,
    key: database.file.key.toString("base64"),
    ...(watch === undefined ? {} : { watch: { tables: watch.tables, acknowledgedSeq: watch.acknowledgedSeq } }),
  };
}

function toChildRequest(
  database: UserDatabase,
  request: RunRequest,
  write: boolean,
): Extract<ChildRequest, { kind: "run" }> {
  const { single, format, numbers } = request;
  const queries = request.queries.map(toChildQuery);
  return { kind: "run", database: toChildDatabase(database), queries, write, single, format, numbers };
}

/** Bytes as JSON carries them. */
export function toChildQuery({ sql, params }: QueryText): QueryText {
  const hasBytes = params.some((value) => Buffer.isBuffer(value));
  if (!hasBytes) return { sql, params };
  return {
    sql,
    params: params.map((value) => (Buffer.isBuffer(value) ? { $bytes: value.toString("base64") } : value)),
  };
}

function isApplied(value: unknown): value is { readonly applied: CommittedWrite } {
  return typeof value === "object" && value !== null && "applied" in value;
}

function findApplied(database: UserDatabase, writeId: string | undefined, sentAt: number): CommittedWrite | undefined {
  return writeId === undefined ? undefined : database.connection().commitLog.find(writeId, sentAt);
}

/**
 * What the commit log says of a write whose process ended. That process may have left the write-ahead log to be recovered,
 * which another one may be doing.
 */
export async function findCommitted(
  database: UserDatabase,
  writeId: string,
  sentAt: number,
): Promise<CommittedWrite | undefined> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return findApplied(database, writeId, sentAt);
    } catch (error) {
      if (!isBusy(error) || performance.now() - startedMs > MAX_LOOKUP_MS) {
        throw new AerostackError("DB_WRITE_UNCERTAIN", { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

function describeWrite(writeId: string, value: unknown): CommittedWrite {
  if (isApplied(value)) return value.applied;
  const results = Array.isArray(value) ? (value as StatementResult[]) : [];
  let changes = 0;
  for (const result of results) changes += result.changes;
  return { writeId, changes, lastRowId: results.at(-1)?.lastRowId ?? 0 };
}
