import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError } from "@aerostack/contracts/errors";
import type { BindingHandler } from "../state/binding-handler.ts";
import { type ByteBudget, createByteBudget } from "../state/byte-budget.ts";
import { BodyAbortedError, BodyTooLargeError, readBody } from "../state/read-body.ts";
import { BOOKMARK_HEADER, toBookmark } from "./bookmark.ts";
import { d1ErrorText, malformed, toAerostackError } from "./d1-error.ts";
import { execLines, failedLine } from "./d1-exec.ts";
import {
  type D1Limits,
  DEFAULT_D1_LIMITS,
  MAX_BODY_BYTES,
  MAX_BODY_PARTS,
  MAX_INCOMING_BYTES_PER_PROJECT,
  SMALL_BODY_BYTES,
} from "./d1-limits.ts";
import { parseJson, readBatch, readLines, readStatement } from "./d1-request.ts";
import { batchJson, errorJson, execErrorJson, execJson, resultJson } from "./d1-response.ts";
import { beginTransaction, endTransaction, queryTransaction } from "./d1-transactions.ts";
import { hasMoreParts } from "./json-parts.ts";
import { type ResultsFormat, toResultsFormat } from "./results-format.ts";
import type { DatabaseAddress, SqlEngine } from "./sql-engine.ts";

export interface D1BindingOptions {
  readonly engine: SqlEngine;
  readonly limits?: D1Limits;
}

/**
 * What workerd's D1 binding speaks: POST of `{ sql, params }` to /query and /execute, or of a list of them, which means a
 * batch on /query and the lines of an exec() on /execute; POST /dump. Transactions under /tx are this platform's own (see
 * d1-binding-module.js). Answers are JSON: `{ success, results, meta }` or `{ success: false, error }`, where the client
 * reads the text and not the status. The resource is the database's name.
 *
 * @throws (after the answer) what is a defect of ours, for the door to log.
 */
export function createD1BindingHandler({ engine, limits = DEFAULT_D1_LIMITS }: D1BindingOptions): BindingHandler {
  const budget = createByteBudget(MAX_INCOMING_BYTES_PER_PROJECT);

  async function answer(
    address: DatabaseAddress,
    route: Route,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    switch (route.path) {
      case "/query": {
        const body = await readJson(address.projectId, req, budget);
        return Array.isArray(body)
          ? await answerBatch(address, body, route.format, req, res)
          : await answerStatement(address, body, route.format, req, res);
      }
      case "/execute": {
        const body = await readJson(address.projectId, req, budget);
        return Array.isArray(body)
          ? await answerExec(address, body, res)
          : await answerStatement(address, body, route.format, req, res);
      }
      case "/dump":
        req.resume();
        return sendBytes(res, await engine.dump(address));
      case "/tx/begin":
        return send(
          res,
          200,
          await beginTransaction(engine, address, await readJson(address.projectId, req, budget), limits),
        );
      case "/tx/query":
      case "/tx/execute": {
        const body = await readJson(address.projectId, req, budget);
        return send(res, 200, await queryTransaction(engine, address.projectId, req, body, route.format, limits));
      }
      case "/tx/commit":
      case "/tx/rollback": {
        req.resume();
        const how = route.path === "/tx/commit" ? "commit" : "rollback";
        return send(res, 200, await endTransaction(engine, address.projectId, req, how));
      }
    }
  }

  async function answerStatement(
    address: DatabaseAddress,
    body: unknown,
    format: ResultsFormat,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    const result = await engine.query(address, readStatement(body, limits), format);
    if ("json" in result) send(res, 200, result.json, bookmarkFor(req, result.commitSequence));
    else send(res, 200, resultJson(result, format), bookmarkFor(req, result.meta.commitSequence));
  }

  async function answerBatch(
    address: DatabaseAddress,
    body: readonly unknown[],
    format: ResultsFormat,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    const results = await engine.batch(address, readBatch(body, limits), format);
    if ("json" in results) send(res, 200, results.json, bookmarkFor(req, results.commitSequence));
    else send(res, 200, batchJson(results, format), bookmarkFor(req, results.at(-1)?.meta.commitSequence));
  }

  async function answerExec(address: DatabaseAddress, body: readonly unknown[], res: ServerResponse): Promise<void> {
    const lines = readLines(body);
    try {
      send(res, 200, execJson(await execLines(engine, address, lines, limits)));
    } catch (error) {
      if (!(error instanceof AerostackError)) throw error;
      send(res, error.status, execErrorJson(d1ErrorText(error), failedLine(error, lines.length)));
    }
  }

  return async (grant, database, req, res) => {
    try {
      await answer({ projectId: grant.projectId, database }, findRoute(req), req, res);
    } catch (error) {
      await answerFailure(req, res, error);
    }
  };
}

const PATHS = [
  "/query",
  "/execute",
  "/dump",
  "/tx/begin",
  "/tx/query",
  "/tx/execute",
  "/tx/commit",
  "/tx/rollback",
] as const;

interface Route {
  readonly path: (typeof PATHS)[number];
  readonly format: ResultsFormat;
}

/** What the client really sends, found without parsing. */
const KNOWN_URLS = new Map<string, Route>([
  ["/query?resultsFormat=ROWS_AND_COLUMNS", { path: "/query", format: "ROWS_AND_COLUMNS" }],
  ["/execute?resultsFormat=NONE", { path: "/execute", format: "NONE" }],
]);

/** @throws AerostackError METHOD_NOT_ALLOWED, NOT_FOUND */
function findRoute(req: IncomingMessage): Route {
  if (req.method !== "POST") throw new AerostackError("METHOD_NOT_ALLOWED");
  const url = req.url ?? "/";
  const known = KNOWN_URLS.get(url);
  if (known !== undefined) return known;
  const mark = url.indexOf("?");
  const asked = mark === -1 ? url : url.slice(0, mark);
  const path = PATHS.find((one) => one === asked);
  if (path === undefined) throw new AerostackError("NOT_FOUND");
  const query = new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1));
  return { path, format: toResultsFormat(query.get("resultsFormat")) };
}

/** @throws AerostackError, BodyAbortedError */
async function readJson(projectId: string, req: IncomingMessage, budget: ByteBudget): Promise<unknown> {
  const declared = Number(req.headers["content-length"] ?? Number.NaN);
  if (declared <= SMALL_BODY_BYTES) return parseJson(await readBody(req, SMALL_BODY_BYTES));
  const giveBack = await budget.take(projectId, Math.min(declared || MAX_BODY_BYTES, MAX_BODY_BYTES));
  try {
    const body = await readBody(req, MAX_BODY_BYTES);
    if (hasMoreParts(body, MAX_BODY_PARTS)) {
      throw malformed(`A request to the database has at most ${MAX_BODY_PARTS} values.`);
    }
    return parseJson(body);
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    throw new AerostackError("REQUEST_TOO_LARGE", {
      message: `A request to the database has at most ${MAX_BODY_BYTES} bytes.`,
    });
  } finally {
    giveBack();
  }
}

/** Only a session asks for bookmarks. */
function bookmarkFor(req: IncomingMessage, commitSequence: number | undefined): string | undefined {
  if (commitSequence === undefined || req.headers[BOOKMARK_HEADER] === undefined) return undefined;
  return toBookmark(commitSequence);
}

function send(res: ServerResponse, status: number, json: string | Buffer, bookmark?: string): void {
  const headers: Record<string, string | number> = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(json),
  };
  if (bookmark !== undefined) headers[BOOKMARK_HEADER] = bookmark;
  res.writeHead(status, headers);
  // As text, because Node sends the head together with a text.
  res.end(json);
}

function sendBytes(res: ServerResponse, bytes: Uint8Array): void {
  res.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes.length });
  res.end(bytes);
}

/** @throws what is a defect of ours, once the answer is on its way: the door ends the connection then. */
async function answerFailure(req: IncomingMessage, res: ServerResponse, error: unknown): Promise<void> {
  if (error instanceof BodyAbortedError || res.headersSent) {
    res.destroy();
  } else {
    // A sender that is still writing would not read the answer.
    req.resume();
    const failure = toAerostackError(error);
    const sent = new Promise<void>((resolve) => res.once("close", resolve).once("finish", resolve));
    send(res, failure.status, errorJson(d1ErrorText(failure)));
    if (failure === error) return;
    await sent;
  }
  if (!(error instanceof BodyAbortedError)) throw error;
}
