import { Readable } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { ExchangeError, type Flight, type Route, type Runtime } from "@aerostack/runtime";
import { type CallFacts, functionRequestHeaders } from "./forwarded-headers.ts";
import { pickVariant, type RouteTable, routeName } from "./route-table.ts";

/** A call that the platform itself makes of a project's function: no key, no limit, no client. */
export interface Invocation {
  readonly projectId: string;
  readonly functionName: string;
  readonly path: string;
  /** Sent as JSON by POST. */
  readonly json: unknown;
  readonly requestId: string;
  readonly clientIp: string;
  readonly timeoutMs: number;
}

export interface InvocationAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export type InvokeFunction = (invocation: Invocation) => Promise<InvocationAnswer>;

export interface InvokerOptions {
  readonly routes: RouteTable;
  readonly runtime: Runtime;
  readonly random: () => number;
  readonly dispatchToken: (projectId: string) => string;
  readonly platformUrl: string;
}

/** An answer is held in memory whole. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * Calls a function in production and waits for its whole answer.
 *
 * @throws FUNCTION_NOT_FOUND · FUNCTION_TIMEOUT · VALUE_TOO_LARGE, or why its process ended
 */
export function createInvoker({ routes, runtime, random, dispatchToken, platformUrl }: InvokerOptions): InvokeFunction {
  async function routeTo(projectId: string, functionName: string): Promise<Route> {
    const project = await routes.project(projectId);
    const route = project?.functions.get(routeName(functionName, "production"));
    const variant = route === undefined ? undefined : pickVariant(route, random);
    if (variant === undefined) {
      throw new AerostackError("FUNCTION_NOT_FOUND", { message: `There is no function '${functionName}'.` });
    }
    return await runtime.route(projectId, variant.key);
  }

  return async (invocation) => {
    const route = await routeTo(invocation.projectId, invocation.functionName);
    const body = Buffer.from(JSON.stringify(invocation.json ?? null));
    const facts: CallFacts = {
      requestId: invocation.requestId,
      clientIp: invocation.clientIp,
      scheme: "http",
      prefix: "",
      projectId: invocation.projectId,
      platformUrl,
      dispatchToken: dispatchToken(invocation.projectId),
      credentialHeader: null,
    };
    const own = { host: "internal", "content-type": "application/json", "content-length": String(body.length) };
    const headers = functionRequestHeaders(own, facts);
    const flight = route.begin();
    try {
      return await exchange(route, { path: invocation.path, headers, body, timeoutMs: invocation.timeoutMs });
    } catch (error) {
      throw await explain(error, flight, invocation);
    } finally {
      flight.end();
    }
  };
}

async function explain(error: unknown, flight: Flight, { timeoutMs, functionName }: Invocation): Promise<unknown> {
  if (error instanceof AerostackError) return error;
  if (error instanceof ExchangeError && error.code !== "BROKEN" && error.code !== "NEVER_SENT") {
    const message = `The function '${functionName}' did not answer within ${timeoutMs / 1000} s.`;
    return new AerostackError("FUNCTION_TIMEOUT", { message, cause: error });
  }
  return await flight.explain(error);
}

function exchange(
  route: Route,
  request: {
    readonly path: string;
    readonly headers: readonly string[];
    readonly body: Buffer;
    readonly timeoutMs: number;
  },
): Promise<InvocationAnswer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    let status = 0;
    let answered: readonly string[] = [];
    const running = route.pool.dispatch(
      {
        method: "POST",
        path: request.path,
        headers: request.headers,
        body: Readable.from([request.body]),
        headTimeoutMs: request.timeoutMs,
        bodyTimeoutMs: request.timeoutMs,
      },
      {
        onHead(head) {
          status = head.status;
          answered = head.headers;
        },
        onData(chunk) {
          pieces.push(chunk);
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) {
            running.abort();
            const message = `The function answered more than ${MAX_ANSWER_BYTES} bytes.`;
            reject(new AerostackError("VALUE_TOO_LARGE", { message }));
          }
          return true;
        },
        onEnd(last) {
          if (last !== null) pieces.push(last);
          resolve({ status, headers: answered, body: Buffer.concat(pieces) });
        },
        onError: reject,
      },
    );
  });
}
