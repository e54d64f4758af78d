import { type PlannedStatement, planText } from "../sql/plan.ts";
import { type SplitStatement, splitFinishedStatements, splitStatements } from "../sql/split-statements.ts";
import { keywordOf } from "../sql/tokenizer.ts";
import { statementsOf } from "../sql/write-queue.ts";
import type { ChildConnection } from "./child-connections.ts";
import type { ChildSettings } from "./child-protocol.ts";
import { checkSchemaSize, checkSequenceSize } from "./schema-limits.ts";

/** Runs a SQL text that arrives in pieces, in one transaction. */
export interface ImportWriter {
  /** @throws as the statements do; the transaction is then undone. */
  write(text: string): void;
  /** @returns how many statements were run. */
  commit(writeId: string | undefined, beforeCommit: () => void): number;
  abort(): void;
}

/** A row of the largest size, its bytes written as hexadecimal digits. */
const MAX_STATEMENT_BYTES = 16 * 1024 * 1024;

/** Dumps made by SQLite's shell bring their own transaction and turn foreign keys off; the import does both by itself. */
const LEFT_OUT = new Set(["BEGIN", "COMMIT", "END"]);

export function createImportWriter(
  connection: ChildConnection,
  settings: ChildSettings,
  run: (planned: PlannedStatement) => void,
): ImportWriter {
  const { sqlite } = connection;
  const transaction = statementsOf(sqlite);
  const limits = { ...settings, maxSqlBytes: MAX_STATEMENT_BYTES };
  let rest = "";
  let count = 0;
  transaction.begin.run();
  sqlite.pragma("defer_foreign_keys = ON");

  function abort(): void {
    if (sqlite.inTransaction) transaction.rollback.run();
    connection.changes.undone();
    connection.forgetSchema();
    connection.commitLog.forget();
  }

  function runAll(statements: readonly SplitStatement[]): void {
    for (const { sql, tokens } of statements) {
      if (LEFT_OUT.has(keywordOf(tokens[0]) ?? "")) continue;
      for (const planned of planText(sql, limits).statements) run(planned);
      count++;
    }
  }

  function undoOnFailure<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      abort();
      throw error;
    }
  }

  return {
    write(text) {
      undoOnFailure(() => {
        const split = splitFinishedStatements(rest + text);
        rest = split.rest;
        runAll(split.statements);
      });
    },
    commit(writeId, beforeCommit) {
      return undoOnFailure(() => {
        runAll(splitStatements(rest));
        checkSchemaSize(sqlite, settings);
        checkSequenceSize(sqlite);
        if (writeId !== undefined) connection.commitLog.append([{ writeId, changes: count, lastRowId: 0 }]);
        connection.changes.append();
        beforeCommit();
        transaction.commit.run();
        connection.forgetSchema();
        return count;
      });
    },
    abort,
  };
}
