import type { Route } from "../edge/define-route.ts";
import { requireSameOrigin } from "./same-origin.ts";

/**
 * Keeps a dashboard's refresh token where no script reads it. A page asks for that by the header
 * `X-Aerostack-Session: cookie`, which pages of other origins cannot send; programs leave it out and get the token in the body.
 */
export interface SessionCookies {
  /** What the browser keeps, where the request says that it uses it. @throws FORBIDDEN when its page is of another origin */
  read(request: Request): string | undefined;
  /** The route, whose answers carry their refresh token in a cookie for whoever asks for that. */
  deliver(route: Route): Route;
  /** The same answer, and the browser forgets what it kept. */
  forget(request: Request, body: unknown): Response;
}

const HEADER = "x-aerostack-session";
/** Nothing but what opens, renews and ends a session is sent it: no function, no object, no other route. */
const PATH = "/api/auth";
const NAME = "aerostack_refresh";

/**
 * @param origin where this server is reached; by HTTPS, the cookie is for HTTPS only
 * @param lifetimeMs of a refresh token, at most
 */
export function createSessionCookies(origin: () => string, lifetimeMs: number): SessionCookies {
  const isSecure = () => origin().startsWith("https:");
  // With the prefix a browser takes it from an answer over TLS only (RFC 6265bis, 4.1.3). `__Host-` would need the path `/`, and
  // show it to the functions of this host.
  const name = () => (isSecure() ? `__Secure-${NAME}` : NAME);

  function wants(request: Request): boolean {
    if (request.headers.get(HEADER)?.trim().toLowerCase() !== "cookie") return false;
    requireSameOrigin(request, origin());
    return true;
  }

  function set(value: string, maxAgeSeconds: number): string {
    const secure = isSecure() ? "; Secure" : "";
    return `${name()}=${value}; Path=${PATH}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
  }

  return {
    read(request) {
      if (!wants(request)) return undefined;
      const values = (request.headers.get("cookie") ?? "").split(";").flatMap((pair) => {
        const [key = "", value = ""] = pair.trim().split("=", 2);
        return key === name() ? [value] : [];
      });
      // Two of one name: a neighbour below the same domain has planted one, and which is whose cannot be told.
      return values.length === 1 ? values[0] : undefined;
    },

    deliver(route) {
      if (route.method !== "post" || !route.path.startsWith(`${PATH}/`)) return route;
      return {
        ...route,
        async handler(input) {
          const { request } = input as { readonly request: Request };
          const inCookie = wants(request);
          const result = await route.handler(input);
          if (!inCookie || !hasRefreshToken(result)) return result;
          const { refreshToken, ...body } = result;
          return answer(route.response.status, body, set(refreshToken, lifetimeMs / 1_000));
        },
      };
    },

    forget: (request, body) => (wants(request) ? answer(200, body, set("", 0)) : answer(200, body)),
  };
}

function hasRefreshToken(result: unknown): result is { readonly refreshToken: string } {
  return (
    typeof result === "object" && result !== null && "refreshToken" in result && typeof result.refreshToken === "string"
  );
}

function answer(status: number, body: unknown, cookie?: string): Response {
  const headers = { "cache-control": "no-store", ...(cookie === undefined ? {} : { "set-cookie": cookie }) };
  return Response.json(body, { status, headers });
}
