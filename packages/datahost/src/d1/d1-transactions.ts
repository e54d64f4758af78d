import type { IncomingMessage } from "node:http";
import { AerostackError } from "@aerostack/contracts/errors";
import { malformed } from "./d1-error.ts";
import { execInTransaction } from "./d1-exec.ts";
import type { D1Limits } from "./d1-limits.ts";
import { isObject, readLines, readStatement } from "./d1-request.ts";
import { execJson, resultJson } from "./d1-response.ts";
import type { ResultsFormat } from "./results-format.ts";
import type { BoundStatement, DatabaseAddress, SqlEngine } from "./sql-engine.ts";

/** Which transaction a request under /tx means. */
export const TRANSACTION_HEADER = "x-aero-transaction";
/** An identifier of the engine is far shorter; nothing longer is looked up. */
const MAX_TRANSACTION_ID_LENGTH = 128;

const DONE = '{"success":true}';

export async function beginTransaction(
  engine: SqlEngine,
  address: DatabaseAddress,
  body: unknown,
  limits: D1Limits,
): Promise<string> {
  const { transactionId } = await engine.begin(address, readLease(body, limits.maxTransactionMs));
  return JSON.stringify({ success: true, transactionId });
}

/** What D1's client sends to /query and /execute, inside a transaction. */
export async function queryTransaction(
  engine: SqlEngine,
  projectId: string,
  req: IncomingMessage,
  body: unknown,
  format: ResultsFormat,
  limits: D1Limits,
): Promise<string | Buffer> {
  const transactionId = readTransactionId(req);
  const run = (one: BoundStatement) => engine.txQuery(transactionId, projectId, one, format);
  if (Array.isArray(body)) return execJson(await execInTransaction(run, readLines(body)));
  const result = await run(readStatement(body, limits));
  return "json" in result ? result.json : resultJson(result, format);
}

export async function endTransaction(
  engine: SqlEngine,
  projectId: string,
  req: IncomingMessage,
  how: "commit" | "rollback",
): Promise<string> {
  const transactionId = readTransactionId(req);
  await (how === "commit" ? engine.txCommit(transactionId, projectId) : engine.txRollback(transactionId, projectId));
  return DONE;
}

function readLease(body: unknown, maxTransactionMs: number): number {
  if (!isObject(body)) throw malformed("The body must be an object.");
  const leaseMs = body.leaseMs ?? maxTransactionMs;
  if (typeof leaseMs !== "number" || !(leaseMs >= 1 && leaseMs <= maxTransactionMs)) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `leaseMs must be a number from 1 to ${maxTransactionMs}.`,
    });
  }
  return leaseMs;
}

function readTransactionId(req: IncomingMessage): string {
  const transactionId = req.headers[TRANSACTION_HEADER];
  if (typeof transactionId !== "string" || transactionId === "" || transactionId.length > MAX_TRANSACTION_ID_LENGTH) {
    throw malformed(`The header ${TRANSACTION_HEADER} must name a transaction.`);
  }
  return transactionId;
}
