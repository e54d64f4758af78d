import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { AerostackError } from "@aerostack/contracts";
import type { DomainRouter, DomainTarget } from "../domains/domain-router.ts";
import type { Caller, CallHandler } from "../functions/call-handler.ts";
import type { DispatchPrincipals } from "../functions/dispatch-principal.ts";
import type { FunctionAddress } from "../functions/function-address.ts";
import { parseCustomAddress, parseHostAddress, parsePathAddress } from "../functions/function-address.ts";
import type { CountryLookup } from "../kernel/geo/country-lookup.ts";
import type { Principal } from "../keys/principal.ts";
import { readCredential } from "./credential.ts";
import { renderError, toAerostackError } from "./error-shapes.ts";
import { acceptRequestId } from "./request-id.ts";

export interface GatewayListenerOptions {
  readonly functionsDomain: string;
  /** Domains of projects' own; what is asked of them is for their project alone. */
  readonly domains: Pick<DomainRouter, "route">;
  readonly calls: Pick<CallHandler, "handle">;
  readonly handleUpgrade: (
    req: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: FunctionAddress,
    caller: Caller,
  ) => void;
  /** Takes requests for objects. */
  readonly handleStorage: (req: IncomingMessage, res: ServerResponse, callerOf: () => Caller) => boolean;
  /** Takes WebSockets of the realtime interface; true when it did. */
  readonly handleRealtime: (req: IncomingMessage, socket: Duplex, head: Buffer, requestId: string) => boolean;
  /** @param onlyProject the one project that may be asked for, where the address belongs to one */
  readonly handleDataPlane: (
    req: IncomingMessage,
    res: ServerResponse,
    caller: Caller,
    onlyProject?: string,
  ) => boolean;
  readonly clientAddress: (facts: { remoteAddress: string | undefined; forwardedFor: string | undefined }) => string;
  /** True when the peer is a proxy whose headers are believed. */
  readonly isTrustedProxy: (remoteAddress: string | undefined) => boolean;
  /** Set by the trusted proxy itself, whatever the client sends; undefined: by none. */
  readonly countryHeader: string | undefined;
  /** The country of an address, where no trusted proxy tells it. */
  readonly countryOf: CountryLookup;
  readonly resolvePrincipal: (
    credential: string,
    clientAddress: string,
  ) => Principal | null | Promise<Principal | null>;
  /** The project of a function that calls by the token of the call that it serves. */
  readonly resolveFunction: DispatchPrincipals;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** ISO 3166-1 alpha-2; Cloudflare's XX (unknown) and T1 (Tor) are none. */
const COUNTRY_CODE = /^(?!XX)[A-Z]{2}$/i;

/** The country that the proxy in front names, in the header that it is known to set. */
function countryFromProxy(req: IncomingMessage, header: string): string | undefined {
  const found = single(req.headers[header]);
  return found !== undefined && COUNTRY_CODE.test(found) ? found.toUpperCase() : undefined;
}

/** The principal of a request, from wherever its credential stands; a function's own before a key. */
export function createPrincipalReader(
  resolve: GatewayListenerOptions["resolvePrincipal"],
  resolveFunction: GatewayListenerOptions["resolveFunction"],
) {
  return (req: IncomingMessage, clientAddress: string): Principal | null | Promise<Principal | null> => {
    const found = resolveFunction(req.headers);
    if (found instanceof Promise) return found.then((principal) => principal ?? byKey(req, clientAddress));
    return found ?? byKey(req, clientAddress);
  };

  function byKey(req: IncomingMessage, clientAddress: string): Principal | null | Promise<Principal | null> {
    const url = req.url ?? "/";
    const mark = url.indexOf("?");
    const credential = readCredential({
      header: (name) => single(req.headers[name]),
      search: mark === -1 ? "" : url.slice(mark + 1),
    });
    return credential === undefined ? null : resolve(credential, clientAddress);
  }
}

/** Answers an error in the shape of the address that was asked. */
export function answerError(req: IncomingMessage, res: ServerResponse, error: AerostackError, requestId: string): void {
  const rendered = renderError(req.url ?? "/", error, requestId);
  res.writeHead(rendered.status, {
    ...rendered.headers,
    "content-length": Buffer.byteLength(rendered.body),
    "x-request-id": requestId,
  });
  res.end(req.method === "HEAD" ? undefined : rendered.body);
}

/** Hosts are few and come again with each request; the memory of them is bounded. */
const MAX_KNOWN_HOSTS = 1_000;
const MAX_KNOWN_HOST_CHARACTERS = 300;

/** Tells a host and port that a URL can have: the function's process builds its request's URL of it. */
function createHostCheck(): (host: string | undefined) => boolean {
  const known = new Set<string>();
  return (host) => {
    if (host === undefined || known.has(host)) return true;
    if (!URL.canParse(`http://${host}/`)) return false;
    if (known.size >= MAX_KNOWN_HOSTS) known.clear();
    if (host.length <= MAX_KNOWN_HOST_CHARACTERS) known.add(host);
    return true;
  };
}

/** A page at `/f/shop/site` would resolve its relative links against `/f/shop/`: browsers are sent to the folder. */
function redirectToFolder(req: IncomingMessage, res: ServerResponse, { prefix }: FunctionAddress): boolean {
  const url = req.url ?? "/";
  const isFolder = prefix === "" || (url.length > prefix.length && url[prefix.length] !== "?");
  if (isFolder || req.method !== "GET" || req.headers["sec-fetch-mode"] !== "navigate") return false;
  res.writeHead(307, { location: `${prefix}/${url.slice(prefix.length)}`, "content-length": 0 }).end();
  return true;
}

/**
 * The first look at every request: calls of functions and of the data plane are taken here, without the web framework;
 * everything else is left to it.
 */
export function createGatewayListener(options: GatewayListenerOptions) {
  const principalOf = createPrincipalReader(options.resolvePrincipal, options.resolveFunction);

  const isPossibleHost = createHostCheck();
  /** Of connections that no proxy made: all requests of one come from the same place. */
  const originOfSocket = new WeakMap<Socket, Omit<Caller, "requestId">>();

  function originOf(req: IncomingMessage): Omit<Caller, "requestId"> {
    const known = originOfSocket.get(req.socket);
    if (known !== undefined) return known;
    const { remoteAddress } = req.socket;
    const trusted = options.isTrustedProxy(remoteAddress);
    const { countryHeader } = options;
    const encrypted = (req.socket as Partial<TLSSocket>).encrypted === true;
    const forwardedProto = trusted ? single(req.headers["x-forwarded-proto"]) : undefined;
    const ip = options.clientAddress({ remoteAddress, forwardedFor: single(req.headers["x-forwarded-for"]) });
    const country = trusted && countryHeader !== undefined ? countryFromProxy(req, countryHeader) : undefined;
    const found: Omit<Caller, "requestId"> = {
      ip,
      region: country ?? options.countryOf(ip),
      scheme: forwardedProto === "https" || (forwardedProto === undefined && encrypted) ? "https" : "http",
    };
    if (!trusted) originOfSocket.set(req.socket, found);
    return found;
  }

  function callerOf(req: IncomingMessage): Caller {
    const { ip, region, scheme } = originOf(req);
    return { requestId: acceptRequestId(single(req.headers["x-request-id"])), ip, region, scheme };
  }

  /** Where the request points when it is a call of a function: at once, or after asking whose key it carries. */
  function addressOf(req: IncomingMessage): FunctionAddress | Promise<FunctionAddress> | null {
    const url = req.url ?? "/";
    const direct = parsePathAddress(url) ?? parseHostAddress(req.headers.host, url, options.functionsDomain);
    if (direct !== null) return direct;
    const custom = parseCustomAddress(url);
    return custom === null ? null : projectOf(req).then((project) => ({ ...custom, project }));
  }

  async function projectOf(req: IncomingMessage): Promise<string> {
    const principal = await principalOf(req, callerOf(req).ip);
    if (principal?.kind === "project") return principal.projectId;
    const ref = single(req.headers["x-project-id"]);
    if (ref !== undefined) return ref;
    if (principal === null) throw new AerostackError("AUTH_INVALID_KEY");
    throw new AerostackError("VALIDATION_ERROR", {
      message: "An account key names its project in the header X-Project-Id.",
    });
  }

  /** The custom domain's target of a request; null where it is asked at an address of the platform itself. */
  function domainTargetOf(req: IncomingMessage): DomainTarget | null | Promise<DomainTarget | null> {
    const forwarded = options.isTrustedProxy(req.socket.remoteAddress) ? req.headers["x-forwarded-host"] : undefined;
    return options.domains.route(single(forwarded) ?? req.headers.host, req.url ?? "/");
  }

  function handleDomain(req: IncomingMessage, res: ServerResponse, target: DomainTarget): void {
    const caller = callerOf(req);
    const url = req.url ?? "/";
    const address = addressOfTarget(target, url);
    if (address instanceof AerostackError) answerError(req, res, address, caller.requestId);
    else if (address !== null) options.calls.handle(req, res, address, caller);
    else if (target.kind !== "api" || !options.handleDataPlane(req, res, caller, target.projectId)) {
      answerError(req, res, new AerostackError("NOT_FOUND"), caller.requestId);
    }
  }

  function handlePlatform(req: IncomingMessage, res: ServerResponse): boolean {
    const url = req.url ?? "/";
    if (options.handleStorage(req, res, () => callerOf(req))) return true;
    const address = addressOf(req);
    if (address !== null && !isPossibleHost(req.headers.host)) {
      const error = new AerostackError("REQUEST_MALFORMED", { message: "The Host header is not a host." });
      answerError(req, res, error, acceptRequestId(undefined));
      return true;
    }
    if (address === null) {
      const isDataPlane = url.startsWith("/v1/") || url.startsWith("/internal/");
      return isDataPlane && options.handleDataPlane(req, res, callerOf(req));
    }
    const caller = callerOf(req);
    if (!(address instanceof Promise)) {
      if (redirectToFolder(req, res, address)) return true;
      options.calls.handle(req, res, address, caller);
      return true;
    }
    address.then(
      (found) => options.calls.handle(req, res, found, caller),
      (error: unknown) => {
        answerError(req, res, toAerostackError(error), caller.requestId);
      },
    );
    return true;
  }

  function handlePlatformUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (options.handleRealtime(req, socket, head, acceptRequestId(single(req.headers["x-request-id"])))) return true;
    const address = addressOf(req);
    if (address === null) return false;
    const caller = callerOf(req);
    Promise.resolve(address).then(
      (found) => options.handleUpgrade(req, socket, head, found, caller),
      () => socket.destroy(),
    );
    return true;
  }

  function handleDomainUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, target: DomainTarget): boolean {
    const address = addressOfTarget(target, req.url ?? "/");
    if (address === null || address instanceof AerostackError) return false;
    options.handleUpgrade(req, socket, head, address, callerOf(req));
    return true;
  }

  return {
    callerOf,
    domainTargetOf,

    /** True when the request is taken: at once, or once the database has told whose host it names. */
    onRequest(req: IncomingMessage, res: ServerResponse): boolean | Promise<boolean> {
      const target = domainTargetOf(req);
      if (target === null) return handlePlatform(req, res);
      if (!(target instanceof Promise)) {
        handleDomain(req, res, target);
        return true;
      }
      return target.then(
        (found) => {
          if (found === null) return handlePlatform(req, res);
          handleDomain(req, res, found);
          return true;
        },
        (error: unknown) => {
          answerError(req, res, toAerostackError(error), acceptRequestId(undefined));
          return true;
        },
      );
    },

    /** True when the upgrade is taken. */
    onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
      const target = domainTargetOf(req);
      if (target === null) return handlePlatformUpgrade(req, socket, head);
      if (!(target instanceof Promise)) return handleDomainUpgrade(req, socket, head, target);
      target
        .then((found) =>
          found === null ? handlePlatformUpgrade(req, socket, head) : handleDomainUpgrade(req, socket, head, found),
        )
        .then(
          (taken) => taken || socket.destroy(),
          () => socket.destroy(),
        );
      return true;
    },
  };
}

/** The function that a custom domain's target means; null where it means none. */
function addressOfTarget(target: DomainTarget, url: string): FunctionAddress | AerostackError | null {
  // RFC 9112, 3.2.2: a target with a host of its own would overrule the Host header that was looked at.
  if (!url.startsWith("/")) {
    return new AerostackError("REQUEST_MALFORMED", { message: "The request's target is not a path." });
  }
  if (target.kind === "nothing") {
    return new AerostackError("NOT_FOUND", { message: "This address of the domain leads nowhere." });
  }
  if (target.kind === "api") return null;
  const { projectId: project, functionName, environment } = target;
  return { project, functionName, environment, path: url, prefix: "" };
}
