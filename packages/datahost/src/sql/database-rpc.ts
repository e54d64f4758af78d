import { AerostackError } from "@aerostack/contracts/errors";
import type { DatabaseFiles } from "../files/database-files.ts";
import { MAX_PARSED_BYTES, type PiecesNotice } from "../large-results.ts";
import type {
  BatchItemError,
  DatabaseMethods,
  DatabaseScope,
  QueryResult,
  SqlMode,
  SqlStatement,
  WriteIdentity,
} from "../protocol.ts";
import type { Transactions } from "../transactions/transactions.ts";
import type { Transfers } from "../transfer/transfers.ts";
import { toQueryResult } from "./encode-results.ts";
import type { QueryText, RunOutcome, SqlEngine } from "./engine.ts";
import { splitStatements } from "./split-statements.ts";

type Params<Method extends keyof DatabaseMethods> = DatabaseMethods[Method]["params"];

export interface DatabaseRpcOptions {
  readonly engine: SqlEngine;
  readonly transactions: Transactions;
  readonly transfers: Transfers;
  readonly files: DatabaseFiles;
  readonly deleteDatabase: (scope: DatabaseScope) => Promise<void>;
  readonly sendPieces: (body: Buffer) => Promise<PiecesNotice>;
}

type Answer<T> = T | Promise<T | PiecesNotice>;

/** SQL for the server: see `DatabaseMethods` for what each takes and gives. */
export function createDatabaseRpc(options: DatabaseRpcOptions) {
  const { engine, transactions, transfers, files, sendPieces } = options;

  function run(
    scope: DatabaseScope & WriteIdentity,
    queries: readonly QueryText[],
    { single, mode = "full" }: { readonly single: boolean; readonly mode?: SqlMode | undefined },
  ): RunOutcome | Promise<RunOutcome> {
    const { projectId, database, writeId, firstSentAt } = scope;
    return engine.run({
      projectId,
      database,
      queries,
      single,
      mode,
      format: "rpc",
      numbers: "integer",
      writeId,
      firstSentAt,
    });
  }

  function parseBody(body: Buffer): Answer<unknown> {
    return body.length <= MAX_PARSED_BYTES ? JSON.parse(body.toString()) : sendPieces(body);
  }

  function answerOne(outcome: RunOutcome): Answer<QueryResult> {
    if ("body" in outcome) return parseBody(outcome.body) as Answer<QueryResult>;
    const [result] = outcome.results;
    if (result === undefined) throw new AerostackError("INTERNAL_ERROR");
    return toQueryResult(result, outcome.context);
  }

  async function runEach(params: Params<"db.batch">): Promise<(QueryResult | BatchItemError)[]> {
    const results: (QueryResult | BatchItemError)[] = [];
    for (const [at, statement] of params.statements.entries()) {
      const scope = params.writeId === undefined ? params : { ...params, writeId: `${params.writeId}.${at}` };
      try {
        const outcome = await run(scope, [toQuery(statement)], { single: true, mode: params.mode });
        if ("body" in outcome) results.push(JSON.parse(outcome.body.toString()) as QueryResult);
        else for (const result of outcome.results) results.push(toQueryResult(result, outcome.context));
      } catch (error) {
        if (!(error instanceof AerostackError)) throw error;
        results.push({ error: error.toSerialised() });
      }
    }
    return results;
  }

  return {
    "db.query"(params: Params<"db.query">) {
      const running = run(params, [toQuery(params)], { single: true, mode: params.mode });
      return running instanceof Promise ? running.then(answerOne) : answerOne(running);
    },

    async "db.batch"(params: Params<"db.batch">) {
      if (!params.atomic) return { results: await runEach(params) };
      const outcome = await run(params, params.statements.map(toQuery), { single: false, mode: params.mode });
      if ("results" in outcome)
        return { results: outcome.results.map((result) => toQueryResult(result, outcome.context)) };
      return parseBody(Buffer.concat([RESULTS_HEAD, outcome.body, RESULTS_TAIL]));
    },

    async "db.exec"(params: Params<"db.exec">) {
      const startedMs = performance.now();
      await run(params, [{ sql: params.sql, params: [] }], { single: true, mode: params.mode });
      return { count: splitStatements(params.sql).length, durationMs: performance.now() - startedMs };
    },

    "db.list": ({ projectId }: Params<"db.list">) => ({ databases: files.list(projectId) }),

    async "db.delete"(params: Params<"db.delete">) {
      await options.deleteDatabase(params);
      return null;
    },

    "db.export.open": async (params: Params<"db.export.open">) => ({ exportId: await transfers.openExport(params) }),
    "db.export.next": ({ exportId }: Params<"db.export.next">) => transfers.nextPiece(exportId),
    async "db.export.close"({ exportId }: Params<"db.export.close">) {
      await transfers.closeExport(exportId);
      return null;
    },

    "db.import.open": async (params: Params<"db.import.open">) => ({ importId: await transfers.openImport(params) }),
    async "db.import.chunk"({ importId, text }: Params<"db.import.chunk">) {
      await transfers.writePiece(importId, text);
      return null;
    },
    "db.import.commit": async ({ importId, writeId }: Params<"db.import.commit">) => ({
      count: await transfers.commitImport(importId, writeId),
    }),
    async "db.import.abort"({ importId }: Params<"db.import.abort">) {
      await transfers.abortImport(importId);
      return null;
    },

    "tx.begin": (params: Params<"tx.begin">) =>
      transactions.begin(params, { leaseMs: params.leaseMs, mode: params.mode ?? "full" }),
    async "tx.query"(params: Params<"tx.query">) {
      const request = { queries: [toQuery(params)], single: true, format: "rpc", numbers: "integer" } as const;
      return parseBody(await transactions.query(params.transactionId, request));
    },
    async "tx.commit"({ transactionId, writeId }: Params<"tx.commit">) {
      await transactions.commit(transactionId, writeId);
      return null;
    },
    async "tx.rollback"({ transactionId }: Params<"tx.rollback">) {
      await transactions.rollback(transactionId);
      return null;
    },
  };
}

const RESULTS_HEAD = Buffer.from('{"results":');
const RESULTS_TAIL = Buffer.from("}");
const NO_PARAMETERS: readonly unknown[] = [];

function toQuery(statement: SqlStatement & { readonly mode?: SqlMode }): QueryText {
  const { sql, params, mode } = statement;
  return mode === undefined ? { sql, params: params ?? NO_PARAMETERS } : { sql, params: params ?? NO_PARAMETERS, mode };
}
