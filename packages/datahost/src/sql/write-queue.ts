import { AerostackError } from "@aerostack/contracts/errors";
import type { DatabaseChanges } from "../changes/database-changes.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { type CommitLog, type CommittedWrite, MAX_WRITES_PER_COMMIT } from "./commit-log.ts";
import { isBusy, toQueryError } from "./sqlite-errors.ts";

/** A short write: it runs in the host, together with others in one transaction. */
export interface InlineWrite {
  /**
   * Runs the statements, synchronously. Throws what the caller shall see; "too-long" means that the write needs a process of
   * its own after all.
   */
  readonly run: () => unknown;
  /** Whether a failure half-way leaves something to undo. */
  readonly isMultiStatement: boolean;
  /** Must not share its transaction. */
  readonly isAlone: boolean;
  /** What to remember in the commit log. */
  readonly describe: ((value: unknown) => CommittedWrite) | undefined;
  /** Runs it in a process of its own. */
  readonly runElsewhere: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Thrown by an inline write, before it wrote anything that its savepoint cannot undo. */
export class TooLongForHost extends Error {}

export interface WriteQueueOptions {
  /** The connection, opened when it is needed. */
  readonly connection: () => { readonly sqlite: SqliteDatabase; readonly commitLog: CommitLog };
  /** Undefined where no table is watched. */
  readonly changes: () => DatabaseChanges | undefined;
  /** Called in the turn of each commit. */
  readonly onCommit: () => void;
  readonly flush: () => Promise<void>;
  readonly maxWaiting: number;
}

interface ExclusiveWrite {
  readonly start: () => Promise<void>;
  readonly reject: (error: unknown) => void;
}

type Waiting = { readonly inline: InlineWrite } | { readonly exclusive: ExclusiveWrite };
type Outcome = { readonly value: unknown } | { readonly error: unknown } | { readonly elsewhere: true };

/** A commit goes on with the next group after this long: others of the process want their turn. */
const MAX_GROUP_MS = 5;
const BUSY_RETRY_MS = 5;
/** An orphaned process of a host that crashed may hold the lock for as long as a statement may run. */
const MAX_BUSY_MS = 15_000;

/**
 * The writes of one database, in order. Short ones that arrive while a commit is under way are committed together: one
 * transaction, one sync of the disk, and a failing one undoes only itself. Long ones and interactive transactions
 * (`exclusive`) have the database's writing to themselves.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #waiting: Waiting[] = [];
  #busy = false;
  #scheduled = false;
  #idleListeners: (() => void)[] = [];

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isIdle(): boolean {
    return !this.#busy && this.#waiting.length === 0;
  }

  /** Resolves once nothing waits or runs. */
  idle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.#idleListeners.push(resolve));
  }

  enqueue(inline: InlineWrite): void {
    if (this.#waiting.length >= this.#options.maxWaiting) {
      inline.reject(new AerostackError("DB_OVERLOADED", { retryAfterSeconds: 1 }));
      return;
    }
    this.#waiting.push({ inline });
    this.#schedule();
  }

  /** Resolves as `work` does, once its turn came. */
  runExclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= this.#options.maxWaiting) {
      return Promise.reject(new AerostackError("DB_OVERLOADED", { retryAfterSeconds: 1 }));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ exclusive: { start: () => work().then(resolve, reject), reject } });
      this.#schedule();
    });
  }

  /** Everything that waits fails. */
  rejectWaiting(error: AerostackError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const item of waiting) ("inline" in item ? item.inline : item.exclusive).reject(error);
    this.#announceIdle();
  }

  #schedule(): void {
    if (this.#busy || this.#scheduled) return;
    this.#scheduled = true;
    // After the I/O of this turn: what arrived with it goes into the same commit.
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#busy) this.#next();
    });
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#announceIdle();
      return;
    }
    this.#busy = true;
    if ("exclusive" in first) {
      this.#waiting.shift();
      void first.exclusive.start().then(() => this.#finish());
      return;
    }
    void this.#commitGroup(this.#takeGroup()).then(
      () => this.#finish(),
      () => this.#finish(),
    );
  }

  #finish(): void {
    this.#busy = false;
    if (this.#waiting.length > 0) this.#schedule();
    else this.#announceIdle();
  }

  #announceIdle(): void {
    if (!this.isIdle) return;
    const listeners = this.#idleListeners;
    this.#idleListeners = [];
    for (const listener of listeners) listener();
  }

  #takeGroup(): InlineWrite[] {
    const group: InlineWrite[] = [];
    for (const item of this.#waiting) {
      if (!("inline" in item) || group.length >= MAX_WRITES_PER_COMMIT) break;
      if (item.inline.isAlone && group.length > 0) break;
      group.push(item.inline);
      if (item.inline.isAlone) break;
    }
    this.#waiting.splice(0, group.length);
    return group;
  }

  async #commitGroup(group: readonly InlineWrite[]): Promise<void> {
    let outcomes: Outcome[];
    try {
      outcomes = await this.#runWithRetry(group);
    } catch (error) {
      const seen = toQueryError(error);
      for (const write of group) write.reject(seen);
      return;
    }
    // Writes that the time limit left out go first in the next group.
    this.#waiting.unshift(...group.slice(outcomes.length).map((inline) => ({ inline })));
    if (outcomes.some((outcome) => "value" in outcome)) {
      try {
        await this.#options.flush();
      } catch (cause) {
        // Readers see it, whether or not it would outlast a power failure.
        this.#options.changes()?.send();
        for (const write of group.slice(0, outcomes.length))
          write.reject(new AerostackError("DB_WRITE_UNCERTAIN", { cause }));
        return;
      }
    }
    this.#options.changes()?.send();
    for (let at = 0; at < outcomes.length; at++) {
      const outcome = outcomes[at] as Outcome;
      const write = group[at] as InlineWrite;
      if ("value" in outcome) write.resolve(outcome.value);
      else if ("error" in outcome) write.reject(outcome.error);
      else await write.runElsewhere().then(write.resolve, write.reject);
    }
  }

  async #runWithRetry(group: readonly InlineWrite[]): Promise<Outcome[]> {
    const startedMs = performance.now();
    for (;;) {
      try {
        return this.#runGroup(group);
      } catch (error) {
        if (!isBusy(error) || performance.now() - startedMs > MAX_BUSY_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
      }
    }
  }

  /** @returns an outcome for each write that had its turn, in order. */
  #runGroup(group: readonly InlineWrite[]): Outcome[] {
    const { sqlite, commitLog } = this.#options.connection();
    const changes = this.#options.changes();
    changes?.capture();
    const statements = statementsOf(sqlite);
    const startedMs = performance.now();
    const outcomes: Outcome[] = [];
    statements.begin.run();
    try {
      const remembered: CommittedWrite[] = [];
      for (const write of group) {
        if (outcomes.length > 0 && performance.now() - startedMs > MAX_GROUP_MS) break;
        const outcome = runOne(sqlite, statements, write, changes);
        outcomes.push(outcome);
        if ("value" in outcome && write.describe !== undefined) remembered.push(write.describe(outcome.value));
      }
      if (remembered.length > 0) commitLog.append(remembered);
      changes?.append();
      statements.commit.run();
    } catch (error) {
      if (sqlite.inTransaction) statements.rollback.run();
      commitLog.forget();
      changes?.undone();
      if (isBusy(error)) throw error;
      // A deferred constraint that fails at COMMIT, or a statement that ended the transaction, took everybody's work along.
      if (group.length === 1) return [{ error: toQueryError(error) }];
      return group.slice(0, Math.max(1, outcomes.length)).map((write) => this.#runAlone(write));
    }
    changes?.committed();
    this.#options.onCommit();
    return outcomes;
  }

  /** Does not throw: the writes before it in the same group stand. */
  #runAlone(write: InlineWrite): Outcome {
    try {
      const [outcome] = this.#runGroup([write]);
      return outcome ?? { error: new AerostackError("INTERNAL_ERROR") };
    } catch (error) {
      return { error: toQueryError(error) };
    }
  }
}

interface TransactionStatements {
  readonly begin: { run(): unknown };
  readonly commit: { run(): unknown };
  readonly rollback: { run(): unknown };
  readonly savepoint: { run(): unknown };
  readonly release: { run(): unknown };
  readonly undo: { run(): unknown };
}

const prepared = new WeakMap<SqliteDatabase, TransactionStatements>();

export function statementsOf(db: SqliteDatabase): TransactionStatements {
  let statements = prepared.get(db);
  if (statements === undefined) {
    statements = {
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      rollback: db.prepare("ROLLBACK"),
      savepoint: db.prepare("SAVEPOINT one_write"),
      release: db.prepare("RELEASE one_write"),
      undo: db.prepare("ROLLBACK TO one_write"),
    };
    prepared.set(db, statements);
  }
  return statements;
}

function runOne(
  sqlite: SqliteDatabase,
  statements: TransactionStatements,
  write: InlineWrite,
  changes: DatabaseChanges | undefined,
): Outcome {
  const capture = changes?.capture();
  const mark = capture?.mark ?? 0;
  // SQLite undoes a single failing statement by itself.
  if (write.isMultiStatement) statements.savepoint.run();
  try {
    const value = write.run();
    if (write.isMultiStatement) statements.release.run();
    return { value };
  } catch (error) {
    // A full disk, or a conflict clause ROLLBACK, ended the whole transaction.
    if (!sqlite.inTransaction) throw error;
    if (write.isMultiStatement) {
      statements.undo.run();
      statements.release.run();
      capture?.rewind(mark);
    } else if (capture !== undefined && capture.mark > mark && changes?.failedStatementKeptChanges() === false) {
      capture.rewind(mark);
    }
    return error instanceof TooLongForHost ? { elsewhere: true } : { error: toQueryError(error) };
  }
}
