import type { SqliteDatabase } from "./sqlite-driver.ts";

/** Changes a database. Synchronous; what it returns is handed on once it is durable. */
export type Work<T> = (db: SqliteDatabase) => T;

export interface GroupCommit {
  /**
   * Runs `work` in a transaction shared with everything else that arrives in the same turn of the event loop, so that
   * many writers pay for one sync of the disk. A work that throws undoes itself only. The promise settles after the
   * commit: what it reports as done survives a crash.
   */
  commit<T>(work: Work<T>): Promise<T>;
  /** Works that wait for their commit. */
  readonly pending: number;
}

interface Waiting {
  readonly work: Work<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Bounds how long one transaction keeps the event loop; the rest follows in the next turn. */
const MAX_WORKS_PER_COMMIT = 500;

export function createGroupCommit(db: SqliteDatabase): GroupCommit {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commitStatement = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const savepoint = db.prepare("SAVEPOINT work");
  const release = db.prepare("RELEASE work");
  const undo = db.prepare("ROLLBACK TO work");
  let waiting: Waiting[] = [];
  let scheduled = false;

  function runInSavepoint(work: Work<unknown>): Outcome {
    savepoint.run();
    try {
      const value = work(db);
      release.run();
      return { value };
    } catch (error) {
      // A full disk or a failed read has ended the whole transaction: nobody's work stands.
      if (!db.inTransaction) throw error;
      undo.run();
      release.run();
      return { error };
    }
  }

  function runTogether(batch: readonly Waiting[]): Outcome[] {
    begin.run();
    try {
      const outcomes = batch.map(({ work }) => runInSavepoint(work));
      commitStatement.run();
      return outcomes;
    } catch (error) {
      if (db.inTransaction) rollback.run();
      return batch.map(() => ({ error }));
    }
  }

  function flush(): void {
    scheduled = false;
    const batch = waiting.slice(0, MAX_WORKS_PER_COMMIT);
    waiting = waiting.slice(MAX_WORKS_PER_COMMIT);
    if (waiting.length > 0) schedule();
    let outcomes: Outcome[];
    try {
      outcomes = runTogether(batch);
    } catch (error) {
      outcomes = batch.map(() => ({ error }));
    }
    batch.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined && "value" in outcome) resolve(outcome.value as never);
      else reject(outcome?.error);
    });
  }

  function schedule(): void {
    scheduled = true;
    setImmediate(flush);
  }

  return {
    commit<T>(work: Work<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        if (!scheduled) schedule();
      });
    },
    get pending() {
      return waiting.length;
    },
  };
}
