import { existsSync } from "node:fs";
import type { Clock } from "@aerostack/kernel";
import { type ChangesEvent, DatabaseChanges } from "../changes/database-changes.ts";
import type { Watch } from "../changes/watches.ts";
import type { DatabaseFile } from "../files/database-files.ts";
import type { HostLimits } from "../limits.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { type CommitLog, createCommitLog } from "./commit-log.ts";
import { type CompiledStatement, compileStatement } from "./compile-statement.ts";
import { LruMap } from "./lru-map.ts";
import { createDatabase, openDatabase } from "./open-database.ts";
import { type Plan, type PlannedStatement, planText } from "./plan.ts";
import { type ChangeCounter, createChangeCounter } from "./run-statement.ts";
import { readSchemaFacts, type SchemaFacts } from "./schema-facts.ts";
import { isBusy } from "./sqlite-errors.ts";
import { createWalFlush, type WalFlush } from "./wal-flush.ts";
import { WriteQueue } from "./write-queue.ts";

/** The host's own connection to a database, while it is open. */
export interface OpenConnection {
  readonly sqlite: SqliteDatabase;
  readonly commitLog: CommitLog;
  readonly counter: ChangeCounter;
  readonly pageCount: { get(): unknown };
}

const CACHE_KIB = 2048;
const MAX_PLANS = 128;
/** Longer texts are planned anew each time. */
const MAX_REMEMBERED_SQL = 8_192;
/** The host looks at the size of the log after this many commits. */
const COMMITS_BETWEEN_LOG_CHECKS = 32;
export interface LogState {
  readonly pages: number;
  /** Those that are not in the database yet. */
  readonly uncopiedPages: number;
}

/** From this many pages on (4 MiB) the log is copied into the database. */
export const CHECKPOINT_PAGES = 1_000;

/** Commits come slower than this, so their sequence never runs ahead of the time that it starts from. */
const SEQUENCE_PER_MS = 1_000;

export interface UserDatabaseOptions {
  readonly file: DatabaseFile;
  readonly limits: HostLimits;
  readonly clock: Clock;
  /** The log has grown: somebody should copy it into the database, off the event loop. */
  readonly onLogGrown: (database: UserDatabase, log: LogState) => void;
  /** Tables that are watched already. */
  readonly watch?: Watch | undefined;
  /** What of a watched table was changed, once it is committed. */
  readonly onChanges: (event: ChangesEvent) => void;
}

/** A database of a project as the host sees it: its connection, what it knows of its statements, and its write queue. */
export class UserDatabase {
  readonly file: DatabaseFile;
  readonly writes: WriteQueue;
  readonly #options: UserDatabaseOptions;
  readonly #plans = new LruMap<string, Plan>(MAX_PLANS);
  #connection: OpenConnection | undefined;
  #flush: WalFlush | undefined;
  #facts: SchemaFacts | undefined;
  #watch: Watch | undefined;
  #changes: DatabaseChanges | undefined;
  #pages = 0;
  #schemaJobs = 0;
  #foreignWriters = 0;
  #generation = 0;
  #commitsSinceCheck = 0;
  /** The log is about to be copied as a whole, while no write comes in between. */
  isLogBeingEmptied = false;
  /** Work in other processes that uses the file. */
  jobs = 0;
  lastUsedMs = 0;
  commits = 0;
  #commitSequence: number;

  constructor(options: UserDatabaseOptions) {
    this.#commitSequence = options.clock.now() * SEQUENCE_PER_MS;
    this.#options = options;
    this.file = options.file;
    this.#watch = options.watch;
    this.writes = new WriteQueue({
      connection: () => this.connection(),
      changes: () => this.#changes,
      onCommit: () => this.#committed(),
      flush: () => this.#walFlush().flush(),
      maxWaiting: options.limits.maxWaitingWrites,
    });
  }

  /** Grows with each commit, also over restarts: what a session has seen at least. */
  get commitSequence(): number {
    return this.#commitSequence;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#options.clock.now();
  }

  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  get isIdle(): boolean {
    return this.jobs === 0 && this.writes.isIdle && this.#changes?.isSending !== true;
  }

  get sizeBytes(): number {
    return this.#pages * 4096;
  }

  /** Unknown, so infinite, while another process may be adding some. */
  get pages(): number {
    return this.#foreignWriters > 0 ? Number.POSITIVE_INFINITY : this.#pages;
  }

  /** While a job may be changing the schema, nothing is prepared here: what a name means is not known. */
  get isSchemaCertain(): boolean {
    return this.#schemaJobs === 0;
  }

  connection(): OpenConnection {
    if (this.#connection !== undefined) return this.#connection;
    const { file, limits } = this.#options;
    if (!existsSync(file.path)) createDatabase(file.path, file.key);
    const sqlite = openDatabase({
      ...file,
      maxDatabaseBytes: limits.maxDatabaseBytes,
      busyTimeoutMs: 0,
      cacheKib: CACHE_KIB,
      sync: "by-caller",
    });
    this.#connection = {
      sqlite,
      commitLog: createCommitLog(sqlite, () => this.now()),
      counter: createChangeCounter(sqlite),
      pageCount: sqlite.prepare("PRAGMA page_count").pluck(),
    };
    this.#pages = this.#connection.pageCount.get() as number;
    this.#followWatch();
    return this.#connection;
  }

  /** Tables whose changes are told; undefined: none. */
  get watch(): Watch | undefined {
    return this.#watch;
  }

  /** In force when it resolves: every commit after that is told. */
  setWatch(watch: Watch | undefined): Promise<void> {
    return this.writes.runExclusive(async () => {
      this.#watch = watch;
      if (this.isOpen || existsSync(this.file.path)) {
        this.connection();
        this.#followWatch();
      }
    });
  }

  #followWatch(): void {
    if (this.#connection === undefined || (this.#watch === undefined && this.#changes === undefined)) return;
    const { clock, onChanges } = this.#options;
    if (this.#watch === undefined) this.#changes?.end();
    else {
      this.#changes ??= new DatabaseChanges({
        sqlite: this.#connection.sqlite,
        clock,
        watch: this.#watch,
        send: onChanges,
      });
      this.#changes.begin();
    }
    if (this.#watch === undefined) this.#changes = undefined;
    // What is compiled does not know of the triggers.
    this.#forgetSchema();
  }

  /** @throws AerostackError as `planText` does. */
  plan(sql: string): Plan {
    const known = this.#plans.get(sql);
    if (known !== undefined) return known;
    const plan = planText(sql, this.#options.limits);
    if (sql.length <= MAX_REMEMBERED_SQL) this.#plans.set(sql, plan);
    return plan;
  }

  /**
   * The statement prepared for the host's connection, or null where preparing it might take long.
   *
   * @throws AerostackError, SqliteError as `compileStatement` does.
   */
  compile(planned: PlannedStatement): CompiledStatement | null {
    if (!this.isSchemaCertain) return null;
    if (planned.compiled === undefined || planned.generation !== this.#generation) {
      planned.compiled = this.#compile(planned);
      planned.generation = this.#generation;
    }
    return planned.compiled;
  }

  #compile(planned: PlannedStatement): CompiledStatement | null {
    const { sqlite } = this.connection();
    this.#facts ??= readSchemaFacts(sqlite);
    if (!this.#facts.isPlain(planned.tokens, planned.shape.kind === "write")) return null;
    const compiled = compileStatement(sqlite, this.#facts, planned);
    return compiled.bound.kind === "unbounded" ? null : compiled;
  }

  /**
   * Runs a job that writes in another process, in its turn of the write queue. The job says before it may change the schema:
   * from then on until it ends nothing is prepared here.
   */
  async withForeignWriter<T>(job: (schemaMayChange: () => void) => Promise<T>): Promise<T> {
    let changesSchema = false;
    this.#foreignWriters++;
    this.jobs++;
    try {
      return await job(() => {
        if (!changesSchema) this.#schemaJobs++;
        changesSchema = true;
      });
    } finally {
      this.jobs--;
      this.#foreignWriters--;
      if (changesSchema) {
        this.#schemaJobs--;
        this.#forgetSchema();
      }
      this.#connection?.commitLog.forget();
      if (changesSchema) this.#changes?.forgetSchema();
      this.#commitsSinceCheck = COMMITS_BETWEEN_LOG_CHECKS;
      this.#committed();
      this.#changes?.readForeign();
    }
  }

  async withForeignReader<T>(job: () => Promise<T>): Promise<T> {
    this.jobs++;
    try {
      return await job();
    } finally {
      this.jobs--;
    }
  }

  /** Releases the file; everything must be idle. */
  close(): void {
    this.#forgetSchema();
    this.#changes?.close();
    this.#changes = undefined;
    this.#flush?.close();
    this.#flush = undefined;
    this.#connection?.sqlite.close();
    this.#connection = undefined;
  }

  #forgetSchema(): void {
    this.#plans.clear();
    this.#facts = undefined;
    this.#generation++;
  }

  #walFlush(): WalFlush {
    this.#flush ??= createWalFlush(this.file.path);
    return this.#flush;
  }

  #committed(): void {
    this.commits++;
    this.#commitSequence = Math.max(this.#commitSequence + 1, this.#options.clock.now() * SEQUENCE_PER_MS);
    if (this.#connection === undefined) return;
    try {
      this.#pages = this.#connection.pageCount.get() as number;
      if (++this.#commitsSinceCheck >= COMMITS_BETWEEN_LOG_CHECKS) this.#checkLog();
    } catch (error) {
      // Another process is recovering the log: the next commit looks again.
      if (!isBusy(error)) throw error;
    }
  }

  /** How long the write-ahead log is. */
  get log(): LogState {
    const [state] = (this.#connection?.sqlite.pragma("wal_checkpoint(NOOP)") ?? []) as {
      log: number;
      checkpointed: number;
    }[];
    const pages = Math.max(0, state?.log ?? 0);
    return { pages, uncopiedPages: pages - Math.max(0, state?.checkpointed ?? 0) };
  }

  #checkLog(): void {
    this.#commitsSinceCheck = 0;
    const log = this.log;
    if (log.pages >= CHECKPOINT_PAGES) this.#options.onLogGrown(this, log);
  }
}
