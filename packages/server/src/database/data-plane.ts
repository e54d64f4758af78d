import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError, dataBatchRequestSchema, dataQueryRequestSchema } from "@aerostack/contracts";
import type { z } from "zod";
import type { RateVerdict } from "../kernel/limiter/rate-window.ts";
import type { Principal } from "../keys/principal.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import { type DatabaseAddress, type DatabaseService, rowObjects } from "./service.ts";

/** What is known of a request before its credential is. */
export interface DataCaller {
  readonly requestId: string;
  readonly ip: string;
  readonly region: string | null;
}

export interface DataPlaneOptions {
  readonly databases: DatabaseService;
  readonly now: () => number;
  /** The principal of the request's credential, wherever it stands. */
  readonly principalOf: (req: IncomingMessage) => Principal | null | Promise<Principal | null>;
  /** For account keys, which name the project by `X-Project-Id`. */
  readonly findProject: (principal: Principal, ref: string) => Promise<{ readonly id: string }>;
  readonly countCall: (projectId: string) => RateVerdict;
  readonly log: (entry: NewLogEntry) => void;
  readonly answerError: (req: IncomingMessage, res: ServerResponse, error: AerostackError, requestId: string) => void;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const DATABASE = "main";

interface Answer {
  readonly body: unknown;
}

type Operation = (address: DatabaseAddress, body: unknown) => Promise<Answer>;

function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const fieldErrors: Record<string, string[]> = {};
  for (const issue of parsed.error.issues) {
    const field = issue.path.join(".") || "body";
    fieldErrors[field] = [...(fieldErrors[field] ?? []), issue.message];
  }
  throw new AerostackError("VALIDATION_ERROR", { details: { fieldErrors } });
}

/**
 * `POST /v1/db/query` and `/v1/db/batch`, the SQL that API keys may run: rows, never the schema. Served beside the web
 * framework, because it is asked as often as a function is.
 */
export function createDataPlane(options: DataPlaneOptions) {
  const { databases } = options;

  const operations: Readonly<Record<string, Operation>> = {
    async "/v1/db/query"(address, body) {
      const result = await databases.query(address, parse(dataQueryRequestSchema, body), "data");
      const results = rowObjects(result);
      return { body: { results, count: results.length } };
    },
    async "/v1/db/batch"(address, body) {
      const { queries } = parse(dataBatchRequestSchema, body);
      const results: { results?: unknown; success: boolean; error?: string }[] = [];
      // One after another, as existing clients expect: a statement that fails does not undo those before it.
      for (const statement of queries) {
        try {
          results.push({ success: true, results: rowObjects(await databases.query(address, statement, "data")) });
        } catch (error) {
          if (!(error instanceof AerostackError) || error.status >= 500) throw error;
          results.push({ success: false, error: error.message });
        }
      }
      return { body: { results, success: results.every((one) => one.success) } };
    },
  };

  /** The project that the credential opens, or the one that an account names. */
  async function projectOf(req: IncomingMessage, principal: Principal): Promise<string> {
    if (principal.kind === "project") {
      if (principal.access !== "secret") {
        throw new AerostackError("FORBIDDEN", { message: "This address needs a secret key, not a public one." });
      }
      return principal.projectId;
    }
    const ref = req.headers["x-project-id"];
    if (typeof ref !== "string") {
      throw new AerostackError("VALIDATION_ERROR", {
        message: "An account key names its project in the header X-Project-Id.",
      });
    }
    return (await options.findProject(principal, ref)).id;
  }

  function readBody(req: IncomingMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      req.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) {
          req.pause();
          reject(new AerostackError("REQUEST_TOO_LARGE"));
        } else chunks.push(chunk);
      });
      req.on("end", () => {
        try {
          const [first] = chunks;
          const text = chunks.length === 1 && first !== undefined ? first.toString() : Buffer.concat(chunks).toString();
          resolve(JSON.parse(text));
        } catch (cause) {
          reject(new AerostackError("REQUEST_MALFORMED", { message: "The request body is not valid JSON.", cause }));
        }
      });
      req.on("error", reject);
      req.on("close", () => {
        if (req.readableEnded) return;
        reject(new AerostackError("REQUEST_MALFORMED", { message: "The request ended early." }));
      });
    });
  }

  async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    path: string,
    operation: Operation,
    caller: DataCaller,
  ) {
    const startedAt = performance.now();
    const time = options.now();
    let projectId: string | undefined;
    let keyId: string | null = null;
    let status = 200;
    let message = "";
    let verdict: RateVerdict | undefined;
    try {
      // The body is read first: it is arriving already, and must be listened to before anything is waited for.
      const reading = readBody(req);
      reading.catch(() => {});
      const found = options.principalOf(req);
      const principal = found instanceof Promise ? await found : found;
      if (principal === null) throw new AerostackError("AUTH_INVALID_KEY");
      keyId = principal.credentialId;
      projectId = await projectOf(req, principal);
      verdict = options.countCall(projectId);
      if (!verdict.allowed) throw new AerostackError("RATE_LIMIT_EXCEEDED", { retryAfterSeconds: 1 });
      const answer = await operation({ projectId, database: DATABASE }, await reading);
      const body = JSON.stringify(answer.body);
      res.writeHead(200, {
        "content-type": "application/json; charset=utf-8",
        "content-length": Buffer.byteLength(body),
        "access-control-allow-origin": "*",
        "cache-control": "no-store",
        "x-request-id": caller.requestId,
        "x-ratelimit-limit": verdict.limit,
        "x-ratelimit-remaining": verdict.remaining,
        "x-ratelimit-reset": verdict.resetUnixSeconds,
      });
      res.end(body);
    } catch (cause) {
      const error = cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause });
      status = error.status;
      message = `${error.code}: ${error.message}`;
      if (!res.headersSent && !res.destroyed) {
        if (verdict !== undefined) {
          res.setHeader("x-ratelimit-limit", verdict.limit);
          res.setHeader("x-ratelimit-remaining", verdict.remaining);
          res.setHeader("x-ratelimit-reset", verdict.resetUnixSeconds);
        }
        options.answerError(req, res, error, caller.requestId);
      }
    }
    if (projectId === undefined) return;
    options.log({
      projectId,
      time,
      kind: "request",
      level: status >= 500 ? "error" : status >= 400 ? "warn" : "info",
      message,
      requestId: caller.requestId,
      environment: "production",
      method: req.method ?? null,
      path,
      status,
      latencyMs: performance.now() - startedAt,
      keyId,
      ip: caller.ip,
      region: caller.region,
    });
  }

  /** True when the request was one of these addresses; it is answered, or will be. */
  return function handleDataPlane(req: IncomingMessage, res: ServerResponse, caller: DataCaller): boolean {
    const url = req.url ?? "/";
    const mark = url.indexOf("?");
    const path = mark === -1 ? url : url.slice(0, mark);
    const operation = req.method === "POST" && Object.hasOwn(operations, path) ? operations[path] : undefined;
    if (operation === undefined) return false;
    void serve(req, res, path, operation, caller);
    return true;
  };
}
