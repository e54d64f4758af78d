import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@aerostack/kernel";
import type { BindingHandler } from "../state/binding-handler.ts";
import { type ByteBudget, createByteBudget } from "../state/byte-budget.ts";
import { headerToText, textToHeader } from "../state/header-text.ts";
import { BodyTooLargeError, readBody } from "../state/read-body.ts";
import { answerFailure, answerRefusal, Refusal } from "../state/refusal.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { answerBulkGet } from "./kv-bulk-get.ts";
import { checkKey, checkMetadata, checkValueLength } from "./kv-checks.ts";
import { readExpiration } from "./kv-expiration.ts";
import type { KvLeases } from "./kv-leases.ts";
import { MAX_INCOMING_BYTES_PER_PROJECT, MAX_VALUE_BYTES, MIN_CACHE_TTL_SECONDS } from "./kv-limits.ts";
import { answerList } from "./kv-list.ts";
import { deleteEntry, getEntry, putEntry } from "./kv-store.ts";

export interface KvBindingOptions {
  readonly states: StateDatabases;
  readonly clock: Clock;
  readonly leases: KvLeases;
}

const MAX_BULK_REQUEST_BYTES = 256 * 1024;
/** Bodies up to this size do not ask the budget. */
const SMALL_BODY_BYTES = 64 * 1024;

/**
 * What workerd's `kvNamespace` binding speaks: GET, PUT and DELETE of `/<key>?urlencoded=true`, GET of `/` for lists and
 * POST of `/bulk/get`. A refusal is the status with its reason phrase, which the binding puts into the error it throws.
 */
export function createKvBinding({ states, clock, leases }: KvBindingOptions): BindingHandler {
  const budget = createByteBudget(MAX_INCOMING_BYTES_PER_PROJECT);

  function answerGet(projectId: string, namespace: string, url: KvUrl, res: ServerResponse): void {
    checkKey(url.key);
    const cacheTtl = url.query.get("cache_ttl");
    // Nothing is cached on the way, but a function must not come to rely on what Cloudflare refuses.
    if (cacheTtl !== null && !(Number.parseInt(cacheTtl, 10) >= MIN_CACHE_TTL_SECONDS)) {
      throw new Refusal(
        400,
        "VALIDATION_ERROR",
        `Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least ${MIN_CACHE_TTL_SECONDS}.`,
      );
    }
    const entry = getEntry(states.read(projectId), namespace, url.key, clock.now());
    if (entry === undefined) {
      answerRefusal(res, 404, "Not Found");
      return;
    }
    const headers: Record<string, string | number> = { "content-length": entry.value.length };
    if (entry.metadata !== null) headers["cf-kv-metadata"] = textToHeader(entry.metadata);
    if (entry.expiresAt !== null) headers["cf-expiration"] = Math.floor(entry.expiresAt / 1000);
    res.writeHead(200, headers);
    res.end(entry.value);
  }

  async function answerPut(
    projectId: string,
    namespace: string,
    url: KvUrl,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    // Read first, even where the rest will be refused: see readBody.
    const value = await readValue(projectId, req, budget);
    checkKey(url.key);
    checkValueLength(value.length);
    const expiresAt = readExpiration(url.query.get("expiration"), url.query.get("expiration_ttl"), clock.now());
    const header = req.headers["cf-kv-metadata"];
    const metadata = typeof header === "string" ? checkMetadata(headerToText(header)) : null;
    await leases.write({ projectId, namespace }, [url.key], () =>
      states.commit(projectId, (db) => putEntry(db, namespace, url.key, { value, metadata, expiresAt })),
    );
    res.writeHead(200, EMPTY);
    res.end();
  }

  async function answerDelete(projectId: string, namespace: string, url: KvUrl, res: ServerResponse): Promise<void> {
    checkKey(url.key);
    await leases.write({ projectId, namespace }, [url.key], () =>
      states.commit(projectId, (db) => deleteEntry(db, namespace, url.key, clock.now())),
    );
    res.writeHead(200, EMPTY);
    res.end();
  }

  function answer(
    projectId: string,
    namespace: string,
    req: IncomingMessage,
    res: ServerResponse,
  ): void | Promise<void> {
    const url = parseUrl(req.url ?? "/");
    switch (req.method) {
      case "GET":
        if (url.key === "") return answerList(states.read(projectId), namespace, url.query, clock.now(), res);
        return answerGet(projectId, namespace, url, res);
      case "PUT":
        return answerPut(projectId, namespace, url, req, res);
      case "DELETE":
        return answerDelete(projectId, namespace, url, res);
      case "POST":
        if (url.path === "/bulk/get") {
          return readBody(req, MAX_BULK_REQUEST_BYTES).then((body) =>
            answerBulkGet(states.read(projectId), namespace, body, clock.now(), res),
          );
        }
        break;
    }
    req.resume();
    throw new Refusal(405, "METHOD_NOT_ALLOWED", "Method Not Allowed");
  }

  return (grant, namespace, req, res) => {
    try {
      const answering = answer(grant.projectId, namespace, req, res);
      if (answering !== undefined) return answering.catch((error: unknown) => answerFailure(res, error));
    } catch (error) {
      answerFailure(res, error);
    }
    return undefined;
  };
}

const EMPTY = { "content-length": 0 };

interface KvUrl {
  readonly path: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

const NO_QUERY = new URLSearchParams();

function parseUrl(url: string): KvUrl {
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  const search = mark === -1 ? "" : url.slice(mark + 1);
  // What nearly every read sends.
  const query = search === "" || search === "urlencoded=true" ? NO_QUERY : new URLSearchParams(search);
  try {
    return { path, key: decodeURIComponent(path.slice(1)), query };
  } catch {
    throw new Refusal(400, "KEY_INVALID", "Could not URL-decode key name");
  }
}

async function readValue(projectId: string, req: IncomingMessage, budget: ByteBudget): Promise<Buffer> {
  const declared = Number(req.headers["content-length"] ?? Number.NaN);
  if (declared <= SMALL_BODY_BYTES) return readBody(req, SMALL_BODY_BYTES);
  const giveBack = await budget.take(projectId, Math.min(declared || MAX_VALUE_BYTES, MAX_VALUE_BYTES));
  try {
    return await readBody(req, MAX_VALUE_BYTES);
  } catch (error) {
    if (error instanceof BodyTooLargeError) checkValueLength(error.length);
    throw error;
  } finally {
    giveBack();
  }
}
