import { AerostackError } from "@aerostack/contracts/errors";
import type { CommittedWrite } from "./commit-log.ts";
import type { BoundQuery } from "./inline-run.ts";
import { emptyResult, type StatementResult } from "./run-statement.ts";
import { keywordOf } from "./tokenizer.ts";

/**
 * The answer to a write that was committed while its own answer was lost: what the commit log remembers of it. Rows cannot
 * be had again.
 *
 * @throws AerostackError DB_WRITE_UNCERTAIN (`details.applied` true) where the answer would have had rows.
 */
export function answerApplied(queries: readonly BoundQuery[], write: CommittedWrite): StatementResult[] {
  const gaveRows = queries.some(({ plan }) =>
    plan.statements.some(({ shape, tokens }) => {
      return shape.kind === "read" || tokens.some((token) => keywordOf(token) === "RETURNING");
    }),
  );
  if (gaveRows) {
    throw new AerostackError("DB_WRITE_UNCERTAIN", {
      message: "This write was applied, but the rows it gave back were lost when the database process stopped.",
      fix: "Read the rows; do not write them again.",
      details: { applied: true },
    });
  }
  return queries.map((_query, at) =>
    at === queries.length - 1
      ? { ...emptyResult(), changes: write.changes, lastRowId: write.lastRowId, rowsWritten: write.changes }
      : emptyResult(),
  );
}
