import type { Connection } from "./connection.ts";

export interface FunctionCall {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the function's own address; starts with a slash. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A project's functions. */
export function createFunctions(connection: Connection) {
  async function send(name: string, data?: unknown, call: FunctionCall = {}): Promise<Response> {
    const method = call.method ?? "POST";
    return await connection.send({
      method,
      path: `/v1/custom/${encodeURIComponent(name)}${call.path ?? ""}`,
      headers: { "x-aerostack-function": name, ...call.headers },
      ...(data === undefined || method === "GET" ? {} : { json: data }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      isRepeatable: method === "GET",
    });
  }

  return {
    /** Calls a function with JSON and gives its answer as it is, for streams and anything that is not JSON. */
    send,
    /** Calls a function with JSON and gives the JSON that it answers. */
    async call<Result = unknown>(name: string, data?: unknown, call: FunctionCall = {}): Promise<Result> {
      return (await (await send(name, data, call)).json()) as Result;
    },
    /** Calls a function of the project through the platform; needs a secret key. */
    async invoke<Result = unknown>(serviceName: string, data: Readonly<Record<string, unknown>> = {}): Promise<Result> {
      const answer = await connection.json<{ result: Result }>({
        path: "/v1/services/invoke",
        json: { serviceName, data },
      });
      return answer.result;
    },
  };
}

export type Functions = ReturnType<typeof createFunctions>;
