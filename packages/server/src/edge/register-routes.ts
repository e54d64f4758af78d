import { AerostackError } from "@aerostack/contracts";
import type { Hono } from "hono";
import type { Audit } from "../audit/record.ts";
import type { InspectBody } from "../front-door/firewall/body-guard.ts";
import { currentCallContext } from "../kernel/call-context.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { DEFAULT_MAX_BODY_BYTES, isForm, readFormBody, readJsonBody } from "../kernel/read-body.ts";
import { requireScope } from "../keys/key-limits.ts";
import type { AccountPrincipal } from "../keys/principal.ts";
import { requiredScope } from "../keys/required-scope.ts";
import type { AppContext, AppEnv } from "./app-env.ts";
import { authorise } from "./authorise.ts";
import type { Route } from "./define-route.ts";
import { endRefusedStream } from "./end-refused-stream.ts";
import type { Idempotency } from "./idempotency.ts";
import { recordRoute } from "./record-route.ts";
import type { NoteRefusal } from "./refusal-notes.ts";
import { type Places, placeIds, placeOf, requirePermission } from "./route-place.ts";

export interface RouteParts {
  readonly idempotency: Idempotency;
  readonly places: Places;
  readonly audit?: Audit | undefined;
  /** Told of every call that ends in an error, for a caller who is known. */
  readonly noteRefusal?: NoteRefusal | undefined;
  /** @throws AUTH_PROOF_REQUIRED */
  readonly requireFreshProof: (principal: AccountPrincipal) => Promise<void>;
  /** Looks at JSON bodies for attacks. */
  readonly inspectBody?: InspectBody | undefined;
  /** The id of the project of a slug or id, for addresses of its users. */
  readonly projectIdOf?: ((ref: string) => string | null | Promise<string | null>) | undefined;
}

const OF_END_USERS = "/api/v1/public/projects/";

/**
 * Puts routes on the application. Every one runs in the same order: who calls → parse → may they → idempotency → the
 * work → answer. A known address with another method answers 405 and says which it has.
 */
export function registerRoutes(app: Hono<AppEnv>, routes: readonly Route[], parts: RouteParts): void {
  const methodsByPath = new Map<string, Set<string>>();
  for (const route of routes) {
    requirePermission(route);
    const scope = requiredScope(route);
    app.on(route.method.toUpperCase(), route.path, async (c) => {
      const principal = c.get("principal");
      try {
        if (scope !== null) requireScope(principal?.limits, scope);
        return await answer(c, route, parts);
      } catch (error) {
        if (principal !== null && route.auth !== "none") {
          parts.noteRefusal?.({ route, principal, params: c.req.param(), error });
        }
        throw error;
      }
    });
    const methods = methodsByPath.get(route.path) ?? new Set();
    methodsByPath.set(route.path, methods.add(route.method.toUpperCase()));
  }
  for (const [path, methods] of methodsByPath) {
    app.all(path, () => {
      throw new MethodNotAllowed([...methods, ...(methods.has("GET") ? ["HEAD"] : [])]);
    });
  }
}

/** 405 with the list that the Allow header must carry (RFC 9110, 15.5.6). */
export class MethodNotAllowed extends AerostackError {
  readonly allow: string;

  constructor(methods: readonly string[]) {
    super("METHOD_NOT_ALLOWED", { message: `This address answers ${methods.join(", ")} only.` });
    this.allow = methods.join(", ");
  }
}

async function answer(c: AppContext, route: Route, parts: RouteParts): Promise<Response> {
  const { idempotency, places, audit } = parts;
  const principal = c.get("principal");
  authorise(route.auth, principal, c.get("credentialSent"));
  const request = c.req.raw;
  const json = await readInput(route, request);
  if (json !== undefined && route.bodyIsContent !== true) await inspect(c, json, parts);
  const params = route.params === undefined ? undefined : parseInput(route.params, c.req.param(), "address");
  const input = {
    principal,
    params,
    query: route.query === undefined ? undefined : parseInput(route.query, queryOf(c, route), "query"),
    body: route.body === undefined ? undefined : parseInput(route.body, json ?? {}, "body"),
    requestId: c.get("requestId"),
    clientAddress: c.get("clientAddress"),
    log: c.get("log"),
    request,
  };
  const needsProof = typeof route.freshProof === "function" ? route.freshProof(input.body) : route.freshProof === true;
  if (needsProof && principal?.kind === "account") await parts.requireFreshProof(principal);
  const place = await placeOf(route, principal, params, places);
  const context = currentCallContext();
  if (context !== undefined) context.place = placeIds(place);
  const requireStill = async () => {
    const now = (await c.get("resolveAgain")?.()) ?? null;
    if (now === null) throw new AerostackError("AUTH_INVALID_KEY");
    authorise(route.auth, now, true);
    await placeOf(route, now, params, places);
  };
  const work = async () => {
    const answered = toResponse(await route.handler({ ...input, ...place }), route);
    const response = principal === null ? answered : endRefusedStream(answered, { requireStill });
    if (audit !== undefined && response.ok) await recordRoute(audit, route, params, place);
    return response;
  };
  const key = route.idempotent === true ? c.req.header("idempotency-key") : undefined;
  if (key === undefined || principal === null) return await work();
  return await idempotency.once({ key, principal, operation: `${route.method} ${c.req.path}`, input: json }, work);
}

/** @throws WAF_BLOCKED */
async function inspect(c: AppContext, body: unknown, { inspectBody, projectIdOf }: RouteParts): Promise<void> {
  if (inspectBody === undefined) return;
  const ref = c.req.path.startsWith(OF_END_USERS) ? c.req.param("project") : undefined;
  const context = currentCallContext();
  await inspectBody({
    body,
    isApi: true,
    projectId: ref === undefined ? null : ((await projectIdOf?.(ref)) ?? null),
    url: c.req.path,
    requestId: c.get("requestId"),
    ip: context?.ip ?? null,
    region: context?.region ?? null,
  });
}

/** @throws REQUEST_MALFORMED for a name that is there twice: whoever checks the one and whoever uses the other would disagree */
function queryOf(c: AppContext, { repeatable = [] }: Pick<Route, "repeatable">): Readonly<Record<string, string>> {
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length < 2 || repeatable.includes(name)) continue;
    throw new AerostackError("REQUEST_MALFORMED", {
      message: `The query has '${name.slice(0, 100)}' more than once.`,
      fix: "Send it once.",
    });
  }
  return c.req.query();
}

async function readInput(route: Route, request: Request): Promise<unknown> {
  if (route.body === undefined) return undefined;
  if (route.acceptsForm === true && isForm(request)) return await readFormBody(request);
  return await readJsonBody(request, route.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
}

function toResponse(result: unknown, route: Route): Response {
  if (result instanceof Response) return result;
  return Response.json(result, { status: route.response.status, headers: { "cache-control": "no-store" } });
}
