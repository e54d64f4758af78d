import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError, type KeyScope, type Permission } from "@aerostack/contracts";
import type { InspectBody } from "../front-door/firewall/body-guard.ts";
import type { RateVerdict } from "../kernel/limiter/rate-window.ts";
import type { Logger } from "../kernel/log.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { parseJson } from "../kernel/parse-json.ts";
import { requireScope } from "../keys/key-limits.ts";
import type { Principal } from "../keys/principal.ts";
import { requiredScope } from "../keys/required-scope.ts";
import { levelOfStatus } from "../logs/level-of-status.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import type { DataCall, Operation } from "./define-operation.ts";
import { createOperationTable } from "./operation-table.ts";

/** What is known of a request before its credential is. */
export interface DataCaller {
  readonly requestId: string;
  readonly ip: string;
  readonly region: string | null;
}

export interface DataPlaneOptions {
  readonly operations: readonly Operation[];
  readonly now: () => number;
  /** The principal of the request's credential, wherever it stands. */
  readonly principalOf: (req: IncomingMessage, clientAddress: string) => Principal | null | Promise<Principal | null>;
  /** For account keys, which name the project by `X-Project-Id`. */
  readonly findProject: (principal: Principal, ref: string, permission: Permission) => Promise<{ readonly id: string }>;
  /** For callers without a key; null when there is no such project. */
  readonly findPublicProject: (ref: string) => Promise<{ readonly id: string } | null>;
  /** Looks at bodies for attacks. */
  readonly inspectBody?: InspectBody;
  readonly countCall: (projectId: string, principal: Principal | null, ip: string) => RateVerdict;
  readonly log: (entry: NewLogEntry) => void;
  readonly logger: Logger;
  readonly answerError: (req: IncomingMessage, res: ServerResponse, error: AerostackError, requestId: string) => void;
}

/** An operation with the scope that its callers' keys need. */
type ScopedOperation = Operation & { readonly scope: KeyScope | null };

const DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024;
const FIRST_SERVER_ERROR = 500;
/** What scripts of other origins may read. */
const EXPOSED_HEADERS =
  "x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, idempotency-replayed";

/**
 * Serves the operations that a project's keys may call, each in the same order: who calls → whose project → may they →
 * how many → parse → the work → answer → log line.
 */
export function createDataPlane(options: DataPlaneOptions) {
  const table = createOperationTable(
    options.operations.map((operation) => ({ ...operation, scope: requiredScope(operation) })),
  );

  /** The project that the credential opens, or the one that the caller names. */
  async function projectOf(
    req: IncomingMessage,
    principal: Principal | null,
    operation: ScopedOperation,
    onlyProject: string | undefined,
  ): Promise<string> {
    if (principal === null && operation.access !== "project") throw new AerostackError("AUTH_INVALID_KEY");
    if (principal !== null && operation.scope !== null) requireScope(principal.limits, operation.scope);
    if (principal?.kind === "project") {
      if (operation.access === "secret" && principal.access !== "secret") {
        throw new AerostackError("FORBIDDEN", { message: "This address needs a secret key, not a public one." });
      }
      // A domain of one project is no door to another, whose key says nothing here.
      if (onlyProject !== undefined && principal.projectId !== onlyProject)
        throw new AerostackError("AUTH_INVALID_KEY");
      return principal.projectId;
    }
    const ref = onlyProject ?? req.headers["x-project-id"];
    if (typeof ref !== "string" || ref === "") {
      if (principal === null) throw new AerostackError("AUTH_INVALID_KEY");
      throw new AerostackError("VALIDATION_ERROR", {
        message: "An account key names its project in the header X-Project-Id.",
      });
    }
    if (principal !== null) return (await options.findProject(principal, ref, operation.permission)).id;
    const found = await options.findPublicProject(ref);
    if (found === null) throw new AerostackError("NOT_FOUND", { message: `There is no project '${ref}'.` });
    return found.id;
  }

  async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    target: { readonly path: string; readonly search: string },
    { operation, params }: { readonly operation: ScopedOperation; readonly params: Readonly<Record<string, string>> },
    caller: DataCaller,
    onlyProject: string | undefined,
  ): Promise<void> {
    const startedAt = performance.now();
    const time = options.now();
    let projectId: string | undefined;
    let principal: Principal | null = null;
    let status: number = operation.response.status;
    let message = "";
    let verdict: RateVerdict | undefined;
    try {
      // The body is read first: it is arriving already, and must be listened to before anything is waited for.
      const reading =
        operation.body === undefined ? undefined : readJson(req, operation.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
      reading?.catch(() => {});
      const found = options.principalOf(req, caller.ip);
      principal = found instanceof Promise ? await found : found;
      const owner = projectOf(req, principal, operation, onlyProject);
      projectId = await owner;
      verdict = options.countCall(projectId, principal, caller.ip);
      if (!verdict.allowed) {
        const retryAfterSeconds = Math.max(1, Math.ceil(verdict.resetUnixSeconds - time / 1000));
        throw new AerostackError("RATE_LIMIT_EXCEEDED", { retryAfterSeconds });
      }
      const call: DataCall = {
        projectId,
        principal: principal as Principal,
        requestId: caller.requestId,
        clientAddress: caller.ip,
        region: caller.region,
        log: options.logger,
        req,
        setHeader: (name, value) => void res.setHeader(name, value),
      };
      const received = await reading;
      if (received !== undefined && operation.bodyIsContent !== true) {
        const { requestId, ip, region } = caller;
        const inspecting = options.inspectBody?.({
          body: received,
          isApi: false,
          projectId,
          url: req.url ?? "/",
          requestId,
          ip,
          region,
        });
        if (inspecting !== undefined) await inspecting;
      }
      const input = {
        call,
        params: operation.params === undefined ? undefined : parseInput(operation.params, params, "address"),
        query: operation.query === undefined ? undefined : parseInput(operation.query, queryOf(target.search), "query"),
        body: operation.body === undefined ? undefined : parseInput(operation.body, received ?? {}, "body"),
      };
      if (operation.stream !== undefined) {
        showLimits(res, verdict);
        res.setHeader("x-request-id", caller.requestId);
        res.setHeader("access-control-allow-origin", "*");
        await operation.stream(input, res);
        status = res.statusCode;
      } else {
        const body = JSON.stringify(await operation.handler?.(input));
        res.writeHead(status, {
          "content-type": "application/json; charset=utf-8",
          "content-length": Buffer.byteLength(body),
          "access-control-allow-origin": "*",
          "access-control-expose-headers": EXPOSED_HEADERS,
          "cache-control": "no-store",
          "x-request-id": caller.requestId,
          "x-ratelimit-limit": verdict.limit,
          "x-ratelimit-remaining": verdict.remaining,
          "x-ratelimit-reset": verdict.resetUnixSeconds,
        });
        res.end(body);
      }
    } catch (cause) {
      const error = cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause });
      status = error.status;
      message = `${error.code}: ${error.message}`;
      if (status >= FIRST_SERVER_ERROR) {
        const facts = { err: error.cause ?? error, code: error.code, path: target.path, requestId: caller.requestId };
        options.logger.error(facts, error.message);
      }
      if (verdict !== undefined && !res.headersSent) showLimits(res, verdict);
      if (res.headersSent) res.destroy();
      else if (!res.destroyed) options.answerError(req, res, error, caller.requestId);
    }
    if (projectId === undefined) return;
    options.log({
      projectId,
      time,
      kind: "request",
      level: levelOfStatus(status),
      message,
      requestId: caller.requestId,
      environment: "production",
      method: req.method ?? null,
      path: target.path,
      status,
      latencyMs: performance.now() - startedAt,
      keyId: principal?.credentialId ?? null,
      ip: caller.ip,
      region: caller.region,
    });
  }

  /** True when the request was one of these addresses; it is answered, or will be. */
  return function handleDataPlane(
    req: IncomingMessage,
    res: ServerResponse,
    caller: DataCaller,
    onlyProject?: string,
  ): boolean {
    const url = req.url ?? "/";
    const mark = url.indexOf("?");
    const path = mark === -1 ? url : url.slice(0, mark);
    const found = table.find(req.method ?? "GET", path);
    if (found === null) return false;
    void serve(req, res, { path, search: mark === -1 ? "" : url.slice(mark + 1) }, found, caller, onlyProject);
    return true;
  };
}

function showLimits(res: ServerResponse, verdict: RateVerdict): void {
  res.setHeader("x-ratelimit-limit", verdict.limit);
  res.setHeader("x-ratelimit-remaining", verdict.remaining);
  res.setHeader("x-ratelimit-reset", verdict.resetUnixSeconds);
}

/** The query's parameters; of one that comes twice, the last, as in the management API. */
function queryOf(search: string): Record<string, string> {
  return search === "" ? {} : Object.fromEntries(new URLSearchParams(search));
}

function readJson(req: IncomingMessage, maxBytes: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        req.pause();
        reject(new AerostackError("REQUEST_TOO_LARGE"));
      } else chunks.push(chunk);
    });
    req.on("end", () => {
      try {
        const [first] = chunks;
        const text = chunks.length === 1 && first !== undefined ? first.toString() : Buffer.concat(chunks).toString();
        // Operations without any required field are called without a body too.
        resolve(text.trim() === "" ? undefined : parseJson(text));
      } catch (error) {
        reject(error);
      }
    });
    req.on("error", reject);
    req.on("close", () => {
      if (req.readableEnded) return;
      reject(new AerostackError("REQUEST_MALFORMED", { message: "The request ended early." }));
    });
  });
}
