import type { z } from "zod";
import { CliError } from "../command/cli-error.ts";
import { errorFromAnswer } from "./api-error.ts";

/** Answers are awaited this long; deployments and transfers say their own. */
const DEFAULT_TIMEOUT_MS = 30_000;
/** A deployment starts the bundle before it answers. */
export const DEPLOY_TIMEOUT_MS = 120_000;
/** Transfers of large bodies. */
export const TRANSFER_TIMEOUT_MS = 30 * 60_000;

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface RequestOptions {
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is; exclusive with `json`. */
  readonly body?: Blob | FormData | string | Uint8Array<ArrayBuffer>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Speaks to one server with one credential. Every failure is a CliError that says what to do. */
export interface ApiClient {
  readonly baseUrl: string;
  /** The same server with another credential, or none. */
  withCredential(credential: string | undefined): ApiClient;
  /** Parses a JSON answer. Unknown fields are let through, missing ones are an error of the server. */
  call<Schema extends z.ZodType>(
    method: string,
    path: string,
    schema: Schema,
    options?: RequestOptions,
  ): Promise<z.infer<Schema>>;
  /** The answer itself, for streams and bytes; its status is 2xx. */
  open(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** The answer itself, whatever its status. */
  tryOpen(method: string, path: string, options?: RequestOptions): Promise<Response>;
}

export interface ApiClientOptions {
  readonly baseUrl: string;
  /** An account or project key. */
  readonly credential: string | undefined;
  readonly fetch: typeof fetch;
  readonly version: string;
  /** Aborts whatever is under way, such as at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Path segments from names: `path("projects", slug, "db")` → "/projects/…/db", each segment escaped. */
export function apiPath(...segments: readonly string[]): string {
  return `/api/v1/${segments.map(encodeURIComponent).join("/")}`;
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  const { baseUrl, credential, version } = options;

  async function tryOpen(method: string, path: string, request: RequestOptions = {}): Promise<Response> {
    const url = new URL(baseUrl + path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const signals = [options.signal, ...(request.signal === undefined ? [] : [request.signal])];
    if (Number.isFinite(timeoutMs)) signals.push(AbortSignal.timeout(timeoutMs));
    const body = request.json === undefined ? request.body : JSON.stringify(request.json);
    let response: Response;
    try {
      response = await options.fetch(url, {
        method,
        headers: {
          "user-agent": `aerostack-cli/${version}`,
          ...(credential === undefined ? {} : { "x-api-key": credential }),
          ...(request.json === undefined ? {} : { "content-type": "application/json" }),
          ...request.headers,
        },
        ...(body === undefined ? {} : { body }),
        // The key must not travel to wherever a redirect points.
        redirect: "manual",
        signal: AbortSignal.any(signals),
      });
    } catch (error) {
      throw connectionError(error, baseUrl, timeoutMs, options.signal);
    }
    if (response.status >= 300 && response.status < 400 && response.status !== 304) {
      await response.body?.cancel();
      throw new CliError(`${baseUrl} redirects to ${response.headers.get("location") ?? "another address"}.`, {
        kind: "server",
        code: "SERVER_REDIRECTS",
        fix: "Set AEROSTACK_API_URL to the server's own address; keys are not sent along redirects.",
      });
    }
    return response;
  }

  async function open(method: string, path: string, request: RequestOptions = {}): Promise<Response> {
    const response = await tryOpen(method, path, request);
    if (!response.ok) throw errorFromAnswer(response.status, response.headers, await response.text());
    return response;
  }

  return {
    baseUrl,
    withCredential: (other) => createApiClient({ ...options, credential: other }),
    tryOpen,
    open,
    async call(method, path, schema, request = {}) {
      const response = await open(method, path, request);
      const text = await response.text();
      let json: unknown;
      try {
        json = text === "" ? {} : JSON.parse(text);
      } catch (cause) {
        throw notUnderstood(`${method} ${path} did not answer JSON`, response, cause);
      }
      const parsed = schema.safeParse(json);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        throw notUnderstood(`${method} ${path}: ${issue?.path.join(".")} ${issue?.message}`, response, parsed.error);
      }
      return parsed.data;
    },
  };
}

function notUnderstood(what: string, response: Response, cause: unknown): CliError {
  const requestId = response.headers.get("x-request-id");
  return new CliError(`The server's answer is not understood (${what}).`, {
    kind: "server",
    code: "ANSWER_NOT_UNDERSTOOD",
    fix: "Check that the address is an Aerostack server and that server and CLI are of the same version (`aerostack doctor`).",
    ...(requestId === null ? {} : { requestId }),
    cause,
  });
}

function connectionError(error: unknown, baseUrl: string, timeoutMs: number, stop: AbortSignal): CliError {
  if (stop.aborted) return new CliError("Stopped.", { kind: "interrupted", code: "INTERRUPTED", cause: error });
  if (error instanceof Error && error.name === "TimeoutError") {
    return new CliError(`${baseUrl} did not answer within ${timeoutMs / 1000} s.`, {
      kind: "server",
      code: "SERVER_TIMEOUT",
      fix: "Try again; `aerostack doctor` shows whether the server is healthy.",
      cause: error,
    });
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  const systemCode = cause !== undefined && "code" in cause ? String(cause.code) : undefined;
  const reason = systemCode ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(new URL(baseUrl).hostname);
  return new CliError(`No server answers at ${baseUrl} (${reason}).`, {
    kind: "server",
    code: "SERVER_UNREACHABLE",
    fix: local
      ? "Start one with `aerostack start`, or set AEROSTACK_API_URL to the address of yours."
      : "Check the address (AEROSTACK_API_URL, api_url in aerostack.toml) and the network.",
    cause: error,
  });
}
