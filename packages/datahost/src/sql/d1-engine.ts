import { AerostackError } from "@aerostack/contracts/errors";
import type { EncodedResults, SqlEngine, SqlResult } from "../d1/sql-engine.ts";
import type { Transactions } from "../transactions/transactions.ts";
import type { Transfers } from "../transfer/transfers.ts";
import { toD1Result } from "./encode-results.ts";
import type { SqlEngine as Engine, RunRequest } from "./engine.ts";
import { splitStatements } from "./split-statements.ts";

export interface D1EngineOptions {
  readonly engine: Engine;
  readonly transactions: Transactions;
  readonly transfers: Transfers;
}

/** The engine as D1's binding uses it: numbers bound as REAL, the schema open to change, no answers repeated. */
export function createD1Engine({ engine, transactions, transfers }: D1EngineOptions): SqlEngine {
  async function run(request: Omit<RunRequest, "mode" | "numbers">): Promise<readonly SqlResult[] | EncodedResults> {
    const startedMs = performance.now();
    const running = engine.run({ ...request, mode: "full", numbers: "real" });
    const outcome = running instanceof Promise ? await running : running;
    if ("body" in outcome) return encoded(outcome.body, startedMs, outcome.database.commitSequence);
    return outcome.results.map((result) => toD1Result(result, outcome.context));
  }

  return {
    async query(address, statement, format) {
      const results = await run({ ...address, queries: [statement], single: true, format });
      if ("json" in results) return results;
      const [only] = results;
      if (only === undefined) throw new AerostackError("INTERNAL_ERROR");
      return only;
    },
    batch: (address, statements, format) => run({ ...address, queries: statements, single: false, format }),
    async exec(address, sql) {
      const startedMs = performance.now();
      await run({ ...address, queries: [{ sql, params: [] }], single: true, format: "NONE" });
      return { count: splitStatements(sql).length, durationMs: performance.now() - startedMs };
    },
    dump: (address) => transfers.dump(address),
    begin: (address, leaseMs) => transactions.begin(address, { leaseMs, mode: "full" }),
    async txQuery(transactionId, projectId, statement, format) {
      const startedMs = performance.now();
      const request = { queries: [statement], single: true, format, numbers: "real" } as const;
      return encoded(await transactions.query(transactionId, request, projectId), startedMs, 0);
    },
    txCommit: (transactionId, projectId) => transactions.commit(transactionId, undefined, projectId),
    txRollback: (transactionId, projectId) => transactions.rollback(transactionId, projectId),
  };
}

function encoded(json: Buffer, startedMs: number, commitSequence: number): EncodedResults {
  return { json, durationMs: performance.now() - startedMs, commitSequence };
}
