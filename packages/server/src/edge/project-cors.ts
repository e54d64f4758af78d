import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { CorsRules } from "@aerostack/contracts";
import type { FrontDoorSettingsService } from "../front-door/settings/service.ts";
import type { RequestAreaReader } from "./request-area.ts";

export interface ProjectCorsOptions {
  readonly settings: Pick<FrontDoorSettingsService, "of" | "someMay">;
  readonly areaOf: RequestAreaReader;
}

type HeadersGiven = OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined;

const ALLOW_ORIGIN = "access-control-allow-origin";
const NO_CONTENT = 204;

/**
 * Gives answers the headers that a project chose for pages of other origins. What a function says itself stays; where it
 * says nothing, and for everything that the platform answers, the project's rules are said instead.
 *
 * Null where there is nothing to do: without an `Origin`, or where no project has rules.
 */
export function createProjectCors({ settings, areaOf }: ProjectCorsOptions) {
  const someHaveRules = settings.someMay(({ cors }) => cors !== null);

  async function prepare(req: IncomingMessage, res: ServerResponse, origin: string): Promise<void> {
    const { projectId, isFunction } = await areaOf(req);
    if (projectId === null) return;
    const { cors } = await settings.of(projectId);
    if (cors === null) return;
    sayIn(res, corsHeaders(cors, origin, req), { keepsOwn: isFunction, isPreflight: isPreflight(req) });
  }

  return (req: IncomingMessage, res: ServerResponse): Promise<void> | null => {
    const { origin } = req.headers;
    return origin === undefined || !someHaveRules() ? null : prepare(req, res, origin);
  };
}

export type ProjectCors = ReturnType<typeof createProjectCors>;

function isPreflight(req: IncomingMessage): boolean {
  return req.method === "OPTIONS" && req.headers["access-control-request-method"] !== undefined;
}

/** For a page of this origin; of an origin that is not allowed nothing is said, which browsers take for a no. */
function corsHeaders(rules: CorsRules, origin: string, req: IncomingMessage): Record<string, string> {
  const { origins, methods, headers, exposeHeaders, credentials, maxAgeSeconds } = rules;
  const isNamed = origins.includes(origin);
  if (!isNamed && !origins.includes("*")) return {};
  return {
    [ALLOW_ORIGIN]: isNamed ? origin : "*",
    ...(credentials && isNamed ? { "access-control-allow-credentials": "true" } : {}),
    ...(exposeHeaders.length === 0 ? {} : { "access-control-expose-headers": exposeHeaders.join(", ") }),
    ...(isPreflight(req)
      ? {
          "access-control-allow-methods": methods.join(", "),
          "access-control-allow-headers": headers.join(", "),
          "access-control-max-age": String(maxAgeSeconds),
        }
      : {}),
  };
}

/** Names and values in turn, whatever form `writeHead` was given. */
function flat(given: HeadersGiven): [string, OutgoingHttpHeader][] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  }
  const pairs: [string, OutgoingHttpHeader][] = [];
  for (let index = 0; index + 1 < given.length; index += 2) {
    pairs.push([String(given[index]), given[index + 1] as OutgoingHttpHeader]);
  }
  return pairs;
}

const isCors = (name: string): boolean => name.toLowerCase().startsWith("access-control-");

/** Puts the headers into the answer at the moment when its head is written. */
function sayIn(
  res: ServerResponse,
  headers: Readonly<Record<string, string>>,
  { keepsOwn, isPreflight: preflight }: { readonly keepsOwn: boolean; readonly isPreflight: boolean },
): void {
  const writeHead = res.writeHead.bind(res);
  let dropsBody = false;

  res.writeHead = ((status: number, ...rest: unknown[]) => {
    const given = rest.at(-1);
    const pairs = flat(typeof given === "object" ? (given as HeadersGiven) : undefined);
    const saysItself = res.hasHeader(ALLOW_ORIGIN) || pairs.some(([name]) => name.toLowerCase() === ALLOW_ORIGIN);
    if (keepsOwn && saysItself) return (writeHead as (...all: unknown[]) => ServerResponse)(status, ...rest);
    for (const name of res.getHeaderNames()) if (isCors(name)) res.removeHeader(name);
    // A function that knows nothing of preflights, or wants a key first, which they never carry.
    dropsBody = keepsOwn && preflight;
    const kept = dropsBody ? [] : pairs.filter(([name]) => !isCors(name));
    if (dropsBody) for (const name of res.getHeaderNames()) res.removeHeader(name);
    const vary = kept.filter(([name]) => name.toLowerCase() === "vary").map(([, value]) => String(value));
    const others = kept.filter(([name]) => name.toLowerCase() !== "vary");
    const all = [...others, ...Object.entries(headers), ["vary", [...vary, "Origin"].join(", ")] as const];
    return writeHead(dropsBody ? NO_CONTENT : status, all.flat() as OutgoingHttpHeader[]);
  }) as typeof res.writeHead;

  if (!preflight) return;
  const write = res.write.bind(res) as (...all: unknown[]) => boolean;
  const end = res.end.bind(res) as (...all: unknown[]) => ServerResponse;
  res.write = ((...all: unknown[]) => {
    if (!res.headersSent) res.writeHead(res.statusCode);
    const done = all.at(-1);
    if (!dropsBody) return write(...all);
    if (typeof done === "function") done();
    return true;
  }) as typeof res.write;
  res.end = ((...all: unknown[]) => {
    if (!res.headersSent) res.writeHead(res.statusCode);
    return dropsBody ? end() : end(...all);
  }) as typeof res.end;
}
