import type { Clock } from "@aerostack/kernel";
import { isBusy } from "../sql/sqlite-errors.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { type ChangeCapture, createChangeCapture } from "./change-capture.ts";
import { createChangeLog, type LoggedChanges, MAX_ROWS_READ } from "./change-log.ts";
import type { Watch } from "./watches.ts";

/** What the server hears as `db.changes`. */
export interface ChangesEvent extends LoggedChanges {
  readonly projectId: string;
  readonly database: string;
}

export interface DatabaseChangesOptions {
  readonly sqlite: SqliteDatabase;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly send: (event: ChangesEvent) => void;
}

/**
 * The changes of one watched database as its host tells them: in the order of the commits, after each is on the disk, each
 * once as long as the host lives. Those of other processes' transactions are read from the log that they wrote.
 */
export class DatabaseChanges {
  readonly #options: DatabaseChangesOptions;
  readonly #capture: ChangeCapture;
  readonly #log;
  readonly #statementChanges;
  #installedFor: readonly string[] | undefined;
  /** Of the transaction that runs. */
  #appended: LoggedChanges[] = [];
  /** Committed and not sent. */
  #pending: LoggedChanges[] = [];
  /** There may be more in the log than is known here. */
  #mustRead = true;
  #reading = false;
  #closed = false;

  constructor(options: DatabaseChangesOptions) {
    this.#options = options;
    this.#capture = createChangeCapture(options.sqlite);
    this.#log = createChangeLog(options.sqlite, options.clock);
    this.#statementChanges = options.sqlite.prepare("SELECT changes()").pluck();
  }

  /** Makes the log and the triggers, and tells what an earlier process left untold. Outside of a transaction. */
  begin(): void {
    try {
      this.capture();
      this.send();
    } catch (error) {
      // An orphan of a crashed host still writes: the next write of ours makes them.
      if (!isBusy(error)) throw error;
    }
  }

  /** Ready for the statements that follow. Cheap where nothing has changed. */
  capture(): ChangeCapture {
    const { watch } = this.#options;
    if (this.#installedFor !== watch.tables) {
      this.#log.create();
      watch.sentSeq ??= this.#log.last();
      this.#capture.install(watch.tables);
      this.#installedFor = watch.tables;
    }
    return this.#capture;
  }

  /** After the schema may have changed. */
  forgetSchema(): void {
    this.#installedFor = undefined;
  }

  /** Whether a statement that failed left changes behind: `OR FAIL` keeps what it did before. */
  failedStatementKeptChanges(): boolean {
    return (this.#statementChanges.get() as number) > 0;
  }

  /** The last thing within a transaction. */
  append(): void {
    const sets = this.#capture.take();
    if (sets.length > 0) this.#appended = this.#log.append(sets, this.#options.watch.acknowledgedSeq);
  }

  committed(): void {
    if (this.#appended.length > 0) this.#pending.push(...this.#appended);
    this.#appended = [];
  }

  undone(): void {
    this.#capture.clear();
    this.#appended = [];
    this.#log.forget();
  }

  /** Once what was committed is on the disk. */
  send(): void {
    if (this.#mustRead) {
      this.#read();
      return;
    }
    for (const logged of this.#pending) this.#tell(logged);
    this.#pending = [];
  }

  /** After the transaction of another process. */
  readForeign(): void {
    this.#log.forget();
    this.#mustRead = true;
    this.#read();
  }

  get isSending(): boolean {
    return this.#reading;
  }

  /** The triggers go; the connection stays. */
  end(): void {
    this.#closed = true;
    this.#capture.remove();
  }

  close(): void {
    this.#closed = true;
  }

  #tell({ seq, body }: LoggedChanges): void {
    const { watch, send } = this.#options;
    watch.sentSeq = seq;
    send({ projectId: watch.projectId, database: watch.database, seq, body });
  }

  /** In turns of a few rows each: others of the process are served in between. */
  #read(): void {
    if (this.#closed || this.#reading) return;
    let rows: LoggedChanges[];
    try {
      rows = this.#log.readAfter(this.#options.watch.sentSeq ?? 0);
    } catch (error) {
      if (!isBusy(error)) throw error;
      // Another process is recovering the log.
      this.#readLater();
      return;
    }
    for (const row of rows) this.#tell(row);
    if (rows.length === MAX_ROWS_READ) {
      this.#readLater();
      return;
    }
    this.#mustRead = false;
    this.#pending = [];
  }

  #readLater(): void {
    this.#reading = true;
    setImmediate(() => {
      this.#reading = false;
      this.#read();
    });
  }
}
