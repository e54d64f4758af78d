import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

const ONE_YEAR_SECONDS = 31_536_000;

/** Of every answer, at whatever host; what lies below a custom domain is its owner's affair. */
export const HSTS = `max-age=${ONE_YEAR_SECONDS}`;

/** Headers that keep a browser from reading more into our answers than they are. A route's own values win. */
export function securityHeaders({ hsts }: { readonly hsts: boolean }): MiddlewareHandler<AppEnv> {
  const headers: readonly (readonly [string, string])[] = [
    ["x-content-type-options", "nosniff"],
    ["x-frame-options", "DENY"],
    ["referrer-policy", "no-referrer"],
    ["cross-origin-opener-policy", "same-origin"],
    ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
    ...(hsts ? [["strict-transport-security", `max-age=${ONE_YEAR_SECONDS}; includeSubDomains`] as const] : []),
  ];
  return async function securityHeadersMiddleware(c, next) {
    await next();
    for (const [name, value] of headers) if (!c.res.headers.has(name)) c.header(name, value);
  };
}
