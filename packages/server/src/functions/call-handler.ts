import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { type AssetAnswer, ExchangeError, type Flight, type Route, type Runtime, sendAsset } from "@aerostack/runtime";
import type { InspectFunctionBody } from "../front-door/firewall/function-bodies.ts";
import type { RateVerdict } from "../kernel/limiter/rate-window.ts";
import { requireScope } from "../keys/key-limits.ts";
import type { Principal } from "../keys/principal.ts";
import { levelOfStatus } from "../logs/level-of-status.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import { assetHeadersOnApiOrigin } from "./api-origin.ts";
import { opensProject, presentedKey, type ResolveKey } from "./caller-key.ts";
import type { DispatchPrincipals } from "./dispatch-principal.ts";
import { type CallFacts, functionRequestHeaders, withoutApiKeyParameter } from "./forwarded-headers.ts";
import type { FunctionAddress } from "./function-address.ts";
import { CLIENT_CLOSED_REQUEST, hasBody, type ProxyLimits, proxyRequest } from "./proxy-request.ts";
import {
  type FunctionRoute,
  pickVariant,
  type RoutedProject,
  type RouteTable,
  type RouteVariant,
  routeName,
} from "./route-table.ts";

/** What is known of a request before it is told where it goes. */
export interface Caller {
  readonly requestId: string;
  readonly ip: string;
  readonly region: string | null;
  readonly scheme: "http" | "https";
}

/** A call that has passed every check and is answered by a static file. */
export interface AssetCall {
  readonly asset: AssetAnswer;
  readonly answerHeaders: Record<string, string>;
}

/** A call that has passed every check and goes to the function. */
export interface AdmittedCall {
  readonly project: RoutedProject;
  readonly route: FunctionRoute;
  readonly variant: RouteVariant;
  readonly runtimeRoute: Route;
  readonly path: string;
  readonly headers: string[];
  readonly answerHeaders: Record<string, string>;
  readonly key: Principal | null;
}

export interface CallHandlerOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly routes: RouteTable;
  readonly runtime: Runtime;
  readonly resolveKey: ResolveKey;
  /** The project of a function that calls by the token of the call that it serves. */
  readonly resolveFunction: DispatchPrincipals;
  readonly limits: ProxyLimits;
  /** Counts the call against the project's or the address's limit. */
  readonly countCall: (project: RoutedProject, key: Principal | null, ip: string) => RateVerdict;
  /** Looks at what is sent to a function, where its project asks for it; null: nothing to wait for. */
  readonly inspectBody?: InspectFunctionBody;
  readonly dispatchToken: (projectId: string) => string;
  readonly platformUrl: string;
  /** Resolves when what functions are bound to answers: before a call that lost it is made again. */
  readonly whenBindingsAnswer: () => Promise<unknown>;
  readonly log: (entry: NewLogEntry) => void;
  /** Writes an error in the shape of the address's interface. */
  readonly answerError: (req: IncomingMessage, res: ServerResponse, error: AerostackError, requestId: string) => void;
}

/** Whose call it is, and where the key stood. */
interface Authorised {
  readonly key: Principal | null;
  readonly location: string | null;
}

function rateHeaders(verdict: RateVerdict, requestId: string): Record<string, string> {
  return {
    "x-ratelimit-limit": String(verdict.limit),
    "x-ratelimit-remaining": String(verdict.remaining),
    "x-ratelimit-reset": String(verdict.resetUnixSeconds),
    "x-request-id": requestId,
  };
}

/** What a version's static files answer, where they are asked before the function. */
function assetAnswer(
  req: IncomingMessage,
  { site, active }: RouteVariant,
  address: FunctionAddress,
): AssetAnswer | null {
  if (site === null || active.version.config.assets?.runWorkerFirst === true || req.headers.upgrade !== undefined) {
    return null;
  }
  const { method = "GET", headers } = req;
  // As at Cloudflare: only a navigation falls back to a page, so that an application's API calls reach the function.
  const seen = headers["sec-fetch-mode"] === "navigate" ? site.pages : site.files;
  const answer = seen.answer({ method, target: address.path, host: headers.host ?? "", headers });
  const location = answer?.headers.location;
  if (answer === null || location === undefined || !/^\/(?!\/)/.test(location)) return answer;
  // Rules speak of the site's own paths; in the path form of its address these begin after the prefix.
  return { ...answer, headers: { ...answer.headers, location: `${address.prefix}${location}` } };
}

function toAerostackError(error: unknown): AerostackError {
  return error instanceof AerostackError ? error : new AerostackError("INTERNAL_ERROR", { cause: error });
}

/** A promise only where one is needed: the fast path goes through without giving up its turn. */
function then<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/**
 * Takes calls to functions from the address to the process that runs them: who calls, may they, how many, which version,
 * the call, its log line. Everything on the way is in memory, so that a call costs little more than a bare proxy.
 */
export function createCallHandler(options: CallHandlerOptions) {
  const { routes, runtime, clock } = options;

  function authorise(
    req: IncomingMessage,
    project: RoutedProject,
    route: FunctionRoute,
    caller: Caller,
  ): Authorised | Promise<Authorised> {
    const calling = options.resolveFunction(req.headers);
    if (calling === null) return authoriseByKey(req, project, route, caller);
    return then(calling, (key) =>
      key !== null && opensProject(key, project)
        ? { key, location: null }
        : authoriseByKey(req, project, route, caller),
    );
  }

  function authoriseByKey(
    req: IncomingMessage,
    project: RoutedProject,
    route: FunctionRoute,
    caller: Caller,
  ): Authorised | Promise<Authorised> {
    const presented = presentedKey(req.headers, req.url ?? "/");
    if (presented === null) {
      if (!route.isPublic) throw new AerostackError("AUTH_INVALID_KEY");
      return { key: null, location: null };
    }
    return then(options.resolveKey(presented.rawKey, caller.ip), (key) => {
      if (key !== null && opensProject(key, project)) {
        if (!route.isPublic) requireScope(key.limits, "functions:invoke");
        return { key, location: presented.location };
      }
      // A public function may use these headers for keys of its own.
      if (route.isPublic) return { key: null, location: null };
      throw new AerostackError("AUTH_INVALID_KEY");
    });
  }

  function locate(
    project: RoutedProject | null,
    address: FunctionAddress,
  ): { project: RoutedProject; route: FunctionRoute } {
    const route = project?.functions.get(routeName(address.functionName, address.environment));
    if (project === null || route === undefined) {
      throw new AerostackError("FUNCTION_NOT_FOUND", {
        message: `There is no function '${address.functionName}' in a project '${address.project}'.`,
      });
    }
    return { project, route };
  }

  /** Asks the runtime for the version's process; what a swap has just replaced is looked up once more. */
  async function routeAfterSwap(address: FunctionAddress, project: RoutedProject, error: unknown) {
    if (!(error instanceof AerostackError && error.code === "FUNCTION_NOT_FOUND")) throw error;
    routes.invalidate(project.id);
    const fresh = locate(await routes.project(address.project), address);
    const variant = pickVariant(fresh.route, options.random);
    if (variant === undefined) throw error;
    return { variant, runtimeRoute: await runtime.route(project.id, variant.key) };
  }

  /** All that happens before the call: throws, or rejects with, the error that the caller gets. */
  function admit(
    req: IncomingMessage,
    address: FunctionAddress,
    caller: Caller,
    seen: {
      project?: RoutedProject;
      route?: FunctionRoute;
      key?: Principal | null;
      verdict?: RateVerdict;
      version?: number;
    },
  ): AdmittedCall | AssetCall | Promise<AdmittedCall | AssetCall> {
    return then(routes.project(address.project), (found) => {
      const { project, route } = locate(found, address);
      seen.project = project;
      seen.route = route;
      return then(authorise(req, project, route, caller), ({ key, location }) => {
        seen.key = key;
        const verdict = options.countCall(project, key, caller.ip);
        seen.verdict = verdict;
        if (!verdict.allowed) {
          throw new AerostackError("RATE_LIMIT_EXCEEDED", {
            retryAfterSeconds: Math.max(1, Math.ceil(verdict.resetUnixSeconds - clock.now() / 1000)),
          });
        }
        const variant = pickVariant(route, options.random);
        if (variant === undefined) throw new AerostackError("FUNCTION_NOT_FOUND");
        seen.version = variant.versionNumber;
        const answerHeaders = rateHeaders(verdict, caller.requestId);
        const asset = assetAnswer(req, variant, address);
        if (asset !== null) return { asset, answerHeaders };
        const facts: CallFacts = {
          requestId: caller.requestId,
          clientIp: caller.ip,
          scheme: caller.scheme,
          prefix: address.prefix,
          projectId: project.id,
          platformUrl: options.platformUrl,
          dispatchToken: options.dispatchToken(project.id),
          credentialHeader: location,
        };
        const finish = (picked: RouteVariant, runtimeRoute: Route): AdmittedCall => ({
          project,
          route,
          variant: picked,
          runtimeRoute,
          path: location === "apiKey" ? withoutApiKeyParameter(address.path) : address.path,
          headers: functionRequestHeaders(req.headers, facts),
          answerHeaders,
          key,
        });
        let runtimeRoute: Route | Promise<Route>;
        try {
          runtimeRoute = runtime.route(project.id, variant.key);
        } catch (error) {
          return routeAfterSwap(address, project, error).then((again) => finish(again.variant, again.runtimeRoute));
        }
        if (!(runtimeRoute instanceof Promise)) return finish(variant, runtimeRoute);
        return runtimeRoute.then(
          (ready) => finish(variant, ready),
          async (error: unknown) => {
            const again = await routeAfterSwap(address, project, error);
            return finish(again.variant, again.runtimeRoute);
          },
        );
      });
    });
  }

  /** A request without a body can be sent again: a read always, a write when the function never saw it. */
  function mayRepeat(req: IncomingMessage, error: AerostackError): boolean {
    if (hasBody(req)) return false;
    return req.method === "GET" || req.method === "HEAD" || error.details?.mayHaveRun === false;
  }

  /** What a broken exchange means to the caller. */
  async function explain(error: Error, flight: Flight): Promise<AerostackError> {
    if (error instanceof AerostackError) return error;
    if (error instanceof ExchangeError && error.code === "HEAD_TIMEOUT") {
      return new AerostackError("FUNCTION_TIMEOUT", {
        message: `The function did not answer within ${options.limits.wallTimeMs / 1000} s.`,
      });
    }
    return await flight.explain(error);
  }

  /** Serves one HTTP request to a function. Never rejects: whatever happens becomes the answer and a log line. */
  function handle(req: IncomingMessage, res: ServerResponse, address: FunctionAddress, caller: Caller): void {
    const startedAt = performance.now();
    const time = clock.now();
    const seen: Parameters<typeof admit>[3] = {};

    const record = (status: number, error?: AerostackError): void => {
      if (seen.project === undefined) return;
      options.log({
        projectId: seen.project.id,
        time,
        kind: "request",
        level: levelOfStatus(status),
        message: error === undefined ? "" : `${error.code}: ${error.message}`,
        requestId: caller.requestId,
        functionName: seen.route?.functionName ?? address.functionName,
        environment: address.environment,
        version: seen.version ?? null,
        method: req.method ?? null,
        path: withoutApiKeyParameter(address.path),
        status,
        latencyMs: performance.now() - startedAt,
        keyId: seen.key?.credentialId ?? null,
        ip: caller.ip,
        region: caller.region,
      });
    };
    const refuse = (cause: unknown): void => {
      const error = toAerostackError(cause);
      record(error.status, error);
      if (res.headersSent || res.destroyed) return;
      if (seen.verdict !== undefined) {
        for (const [name, value] of Object.entries(rateHeaders(seen.verdict, caller.requestId)))
          res.setHeader(name, value);
      }
      options.answerError(req, res, error, caller.requestId);
    };
    const forward = (call: AdmittedCall | AssetCall, repeat: boolean): void => {
      if ("asset" in call) {
        res.once("close", () => record(res.statusCode));
        const { headers } = call.asset;
        const shown = address.prefix === "" ? headers : assetHeadersOnApiOrigin(headers);
        sendAsset(res, { ...call.asset, headers: { ...shown, ...call.answerHeaders } });
        return;
      }
      seen.version = call.variant.versionNumber;
      const flight = call.runtimeRoute.begin();
      proxyRequest(req, res, {
        pool: call.runtimeRoute.pool,
        path: call.path,
        prefix: address.prefix,
        headers: call.headers,
        answerHeaders: call.answerHeaders,
        limits: options.limits,
        onEnd(status) {
          // A client that left tells nothing of whether the function is alive.
          flight.end(status === CLIENT_CLOSED_REQUEST ? "abandoned" : "answered");
          record(status);
        },
        onFailure(failure) {
          explain(failure, flight)
            .then(async (error) => {
              flight.end();
              // Another request brought the process down, or a binding was away: this one can be asked again unseen.
              if (repeat && error.details?.retryable === true && mayRepeat(req, error)) {
                if (error.code === "FUNCTION_DISCONNECTED") await options.whenBindingsAnswer();
                forward(await admit(req, address, caller, seen), false);
              } else refuse(error);
            })
            .catch(refuse);
        },
      });
    };

    const begin = (call: AdmittedCall | AssetCall): void => {
      const inspecting =
        "asset" in call ? null : (options.inspectBody?.(req, { projectId: call.project.id, ...caller }) ?? null);
      if (inspecting === null) forward(call, true);
      else inspecting.then(() => forward(call, true)).catch(refuse);
    };

    try {
      const admitted = admit(req, address, caller, seen);
      if (admitted instanceof Promise) admitted.then(begin).catch(refuse);
      else begin(admitted);
    } catch (error) {
      refuse(error);
    }
  }

  return { handle, admit, explain };
}

export type CallHandler = ReturnType<typeof createCallHandler>;
