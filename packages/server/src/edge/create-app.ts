import { AerostackError } from "@aerostack/contracts";
import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Audit } from "../audit/record.ts";
import type { InspectBody } from "../front-door/firewall/body-guard.ts";
import { ANONYMOUS, type CallContext, currentCallContext, runInCallContext } from "../kernel/call-context.ts";
import type { CountryLookup } from "../kernel/geo/country-lookup.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import { type Logger, maskCredentials } from "../kernel/log.ts";
import { type AccountPrincipal, actorOf, type Principal } from "../keys/principal.ts";
import type { AppContext, AppEnv } from "./app-env.ts";
import { createClientAddressReader } from "./client-address.ts";
import { readCredential } from "./credential.ts";
import type { Route } from "./define-route.ts";
import { renderError, toAerostackError } from "./error-shapes.ts";
import type { Idempotency } from "./idempotency.ts";
import { type RateLimits, rateLimit } from "./rate-limit.ts";
import type { NoteRefusal } from "./refusal-notes.ts";
import { MethodNotAllowed, registerRoutes } from "./register-routes.ts";
import { acceptRequestId } from "./request-id.ts";
import type { Places } from "./route-place.ts";
import { securityHeaders } from "./security-headers.ts";

export interface AppOptions {
  readonly log: Logger;
  readonly limiter: Limiter;
  readonly limits: RateLimits;
  /** Told of the path of each call that the limits refuse. */
  readonly onRefused?: (path: string) => void;
  readonly trustProxy: readonly string[] | undefined;
  /** The country of an address, for the audit log. */
  readonly countryOf?: CountryLookup;
  readonly audit?: Audit;
  /** True where clients reach the server by HTTPS only. */
  readonly hsts: boolean;
  resolvePrincipal(credential: string, clientAddress: string): Principal | null | Promise<Principal | null>;
  readonly idempotency: Idempotency;
  readonly routes: readonly Route[];
  readonly noteRefusal?: NoteRefusal;
  readonly inspectBody?: InspectBody;
  readonly projectIdOf?: (ref: string) => string | null | Promise<string | null>;
  /** Looks up what routes are about, and asks whether the caller may. */
  readonly places: Places;
  /** Asks for a proof of who is there, for routes that need a fresh one. @throws AUTH_PROOF_REQUIRED */
  readonly requireFreshProof: (principal: AccountPrincipal) => Promise<void>;
  /** Pages and probes that are no API routes. */
  readonly pages?: readonly ((app: Hono<AppEnv>) => void)[];
}

/** Prefixes that browsers of any origin may call: their credential is a key or token, never a cookie. */
const CROSS_ORIGIN_PREFIXES = ["/v1/*", "/api/v1/public/*", "/api/gateway/*"] as const;
const API_PREFIXES = ["/api/*", "/v1/*", "/metrics"] as const;

/** The management application: everything but the hot request path. Building it has no side effect. */
export function createApp(options: AppOptions): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const readClientAddress = createClientAddressReader(options.trustProxy);

  app.use(async function identify(c, next) {
    const requestId = acceptRequestId(c.req.header("x-request-id"));
    c.set("requestId", requestId);
    c.set("log", options.log.child({ requestId }));
    c.set("principal", null);
    c.set("credentialSent", false);
    const clientAddress = readClientAddress({
      remoteAddress: c.env?.incoming?.socket?.remoteAddress,
      forwardedFor: c.req.header("x-forwarded-for"),
    });
    c.set("clientAddress", clientAddress);
    const context: CallContext = {
      requestId,
      ip: clientAddress === "" ? null : clientAddress,
      region: options.countryOf?.(clientAddress) ?? null,
      userAgent: c.req.header("user-agent") ?? null,
      actor: ANONYMOUS,
      recordedActions: [],
    };
    await runInCallContext(context, next);
    c.header("x-request-id", requestId);
  });
  app.use(securityHeaders({ hsts: options.hsts }));
  for (const prefix of CROSS_ORIGIN_PREFIXES) {
    app.use(
      prefix,
      cors({
        origin: "*",
        exposeHeaders: [
          "x-request-id",
          "x-ratelimit-limit",
          "x-ratelimit-remaining",
          "x-ratelimit-reset",
          "retry-after",
        ],
      }),
    );
  }
  for (const prefix of API_PREFIXES) {
    app.use(
      prefix,
      createAuth(options.resolvePrincipal),
      rateLimit(options.limiter, options.limits, options.onRefused),
    );
  }
  for (const addPages of options.pages ?? []) addPages(app);
  registerRoutes(app, options.routes, options);
  app.notFound((c) => respondWithError(c, new AerostackError("NOT_FOUND")));
  app.onError((error, c) => respondWithError(c, error));
  return app;
}

/** Finds out who calls. A credential that is not valid is refused by the routes that need one, not here. */
export function createAuth(resolvePrincipal: AppOptions["resolvePrincipal"]) {
  return async function authMiddleware(c: AppContext, next: () => Promise<void>): Promise<void> {
    const credential = readCredential({
      header: (name) => c.req.header(name),
      search: c.req.url.slice(c.req.url.indexOf("?") + 1 || c.req.url.length),
    });
    if (credential !== undefined) {
      c.set("credentialSent", true);
      const resolveAgain = () => resolvePrincipal(credential, c.get("clientAddress"));
      c.set("resolveAgain", resolveAgain);
      const principal = await resolveAgain();
      c.set("principal", principal);
      const context = currentCallContext();
      if (context !== undefined && principal !== null) context.actor = actorOf(principal);
    }
    await next();
  };
}

function respondWithError(c: AppContext, thrown: unknown): Response {
  const error = toAerostackError(thrown);
  if (error.status >= 500) {
    const log = c.get("log");
    log.error({ err: error.cause ?? error, code: error.code, path: maskCredentials(c.req.path) }, error.message);
  }
  const rendered = renderError(c.req.path, error, c.get("requestId"));
  const headers = new Headers(rendered.headers);
  if (error instanceof MethodNotAllowed) headers.set("allow", error.allow);
  return c.newResponse(rendered.body, rendered.status as 500, Object.fromEntries(headers));
}
