import type { AuthorizationServer, HttpRequestOptions } from "oauth4webapi";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";

/** The library is loaded by the first log-in through a provider, not by the start. */
export function loadOauth(): Promise<typeof import("oauth4webapi")> {
  return import("oauth4webapi");
}

type Library = Awaited<ReturnType<typeof loadOauth>>;

/**
 * How the library reaches the network: by the same way as everything else that a project names, and in clear text only
 * where the project's settings may name it so, which is this machine.
 */
export function requestOptions<Method extends "GET" | "POST", Body = undefined>(
  oauth: Library,
  fetch: OutgoingFetch,
  url: string,
): HttpRequestOptions<Method, Body> {
  return {
    [oauth.allowInsecureRequests]: url.startsWith("http://"),
    [oauth.customFetch]: (target, { method, headers, body }) =>
      fetch(target, {
        method,
        headers: { ...headers },
        ...(body === undefined || body === null ? {} : { body: String(body) }),
      }),
  };
}

/** An address to send the browser to, with the parameters that every provider gets. */
export function authorizationUrlOf(server: AuthorizationServer, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(server.authorization_endpoint ?? "");
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
