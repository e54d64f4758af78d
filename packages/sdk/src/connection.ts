import { AerostackClientError, readError } from "./client-error.ts";

export interface ConnectionOptions {
  /** Origin of the server, such as `https://api.example.com`; a trailing `/v1` is left out. */
  readonly url: string;
  /** A key of the project. Secret keys belong on servers only; browsers and apps take a public one. */
  readonly apiKey?: string;
  /** Id or slug of the project: needed for end-user auth, and where there is no key. */
  readonly project?: string;
  readonly fetch?: typeof fetch;
  /** How long an answer may take. */
  readonly timeoutMs?: number;
  /** How often a request that may be repeated is tried again after the network, or the server, failed. */
  readonly maxRetries?: number;
}

export interface ClientRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Starts with a slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly json?: unknown;
  readonly body?: NonNullable<RequestInit["body"]>;
  readonly headers?: Readonly<Record<string, string>>;
  /** True: sending it twice does no more than sending it once, so that it is tried again. */
  readonly isRepeatable?: boolean;
  /** False: no key, and no token of a signed-in user. */
  readonly withCredentials?: boolean;
  readonly signal?: AbortSignal;
}

/** Gives the access token of whoever is signed in; told when the server refuses it, it gets another. */
export interface TokenSource {
  accessToken(): Promise<string | undefined>;
  /** @returns whether there is a new one, so that the request is worth repeating */
  renew(): Promise<boolean>;
}

/** The way to one project, shared by all parts of the client. */
export interface Connection {
  readonly options: ConnectionOptions;
  /** Origin without a trailing slash. */
  readonly origin: string;
  /** @throws AerostackClientError */
  send(request: ClientRequest): Promise<Response>;
  /** @throws AerostackClientError */
  json<Answer>(request: ClientRequest): Promise<Answer>;
  useTokens(source: TokenSource): void;
  accessToken(): Promise<string | undefined>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 2;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_WAIT_MS = 10_000;
/** Statuses that say "again", not "never". */
const TRANSIENT = new Set([429, 502, 503, 504]);

/** Opens the way to a project; nothing is sent yet. */
export function createConnection(options: ConnectionOptions): Connection {
  const origin = options.url.replace(/\/+$/, "").replace(/\/v1$/, "");
  const fetchImpl = options.fetch ?? globalThis.fetch;
  const maxRetries = options.maxRetries ?? DEFAULT_MAX_RETRIES;
  let tokens: TokenSource | undefined;

  async function headersOf(request: ClientRequest): Promise<Headers> {
    const headers = new Headers(request.headers);
    if (request.json !== undefined) headers.set("content-type", "application/json");
    if (request.withCredentials === false) return headers;
    if (options.apiKey !== undefined) headers.set("x-aerostack-key", options.apiKey);
    if (options.project !== undefined) headers.set("x-project-id", options.project);
    const token = await tokens?.accessToken();
    if (token !== undefined && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
    return headers;
  }

  async function attempt(request: ClientRequest): Promise<Response> {
    const url = new URL(origin + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const body = request.json === undefined ? request.body : JSON.stringify(request.json);
    try {
      return await fetchImpl(url, {
        method: request.method ?? "POST",
        headers: await headersOf(request),
        signal: request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]),
        ...(body === undefined ? {} : { body }),
        ...(body instanceof ReadableStream ? ({ duplex: "half" } as RequestInit) : {}),
      });
    } catch (cause) {
      if (cause instanceof AerostackClientError || request.signal?.aborted === true) throw cause;
      throw timeout.aborted
        ? new AerostackClientError({ code: "NETWORK_TIMEOUT", message: "The server took too long.", status: 0, cause })
        : new AerostackClientError({ code: "NETWORK_ERROR", message: "The server was not reached.", status: 0, cause });
    }
  }

  async function send(request: ClientRequest): Promise<Response> {
    let mayRenew = tokens !== undefined && request.withCredentials !== false;
    for (let retries = 0; ; ) {
      let failure: AerostackClientError;
      try {
        const response = await attempt(request);
        if (response.ok) return response;
        failure = await readError(response);
      } catch (error) {
        if (!(error instanceof AerostackClientError)) throw error;
        failure = error;
      }
      const isStream = request.body instanceof ReadableStream;
      if (failure.status === 401 && mayRenew && !isStream) {
        mayRenew = false;
        if (await tokens?.renew()) continue;
      }
      const isTransient = failure.status === 0 || TRANSIENT.has(failure.status);
      if (!isTransient || request.isRepeatable !== true || isStream || retries >= maxRetries) throw failure;
      await wait(failure.retryAfterSeconds, retries, request.signal);
      retries++;
    }
  }

  return {
    options,
    origin,
    send,
    async json<Answer>(request: ClientRequest) {
      const response = await send(request);
      try {
        return (await response.json()) as Answer;
      } catch (cause) {
        const message = "The server's answer is not JSON: is this the address of an Aerostack server?";
        throw new AerostackClientError({ code: "UNKNOWN_ERROR", message, status: response.status, cause });
      }
    },
    useTokens(source) {
      tokens = source;
    },
    accessToken: async () => await tokens?.accessToken(),
  };
}

/** As long as the server says, else longer each time, with a random part so that clients do not return together. */
async function wait(retryAfterSeconds: number | undefined, retries: number, signal?: AbortSignal): Promise<void> {
  const backoffMs = FIRST_RETRY_MS * 2 ** retries * (0.5 + Math.random());
  const waitMs = Math.min(retryAfterSeconds === undefined ? backoffMs : retryAfterSeconds * 1000, MAX_RETRY_WAIT_MS);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, waitMs);
    function done(): void {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
    function abort(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}
