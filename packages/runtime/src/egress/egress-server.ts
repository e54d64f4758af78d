import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { Agent } from "undici";
import { TOKEN_HEADER } from "../config/build-config.ts";
import type { RuntimeLimits } from "../limits.ts";
import type { ProcessRegistry } from "../process/process-registry.ts";
import type { EgressLookup } from "../types.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";
import { createConcurrencyLimit } from "./concurrency.ts";
import { forwardRequest } from "./forward-request.ts";
import { forwardUpgrade } from "./forward-upgrade.ts";
import { createConnectGuard, createGuardedConnector, EgressBlockedError } from "./guarded-connect.ts";

export interface EgressServerOptions {
  readonly registry: ProcessRegistry;
  readonly limits: RuntimeLimits;
  readonly allowed: AllowedHosts;
  readonly lookup: EgressLookup;
  readonly ownAddresses: () => ReadonlySet<string>;
  readonly onBlocked: (projectId: string, host: string, reason: string) => void;
  readonly onLimited: (projectId: string, host: string) => void;
}

export interface EgressServer {
  readonly server: Server;
  readonly inFlight: () => number;
  close(): Promise<void>;
}

/** A permitted attempt to leave: who wants where, and the place it takes among those under way. */
interface Departure {
  readonly projectId: string;
  readonly url: URL;
  readonly release: () => void;
}

const MAX_HEADER_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 60_000;

function bodyOf(error: AerostackError): string {
  const { code, message, fix, details } = error;
  return JSON.stringify({ error: { code, message, fix, ...(details === undefined ? {} : { details }) } });
}

function answer(res: ServerResponse, error: AerostackError): void {
  const body = bodyOf(error);
  res.writeHead(error.status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  res.end(body);
}

function answerRaw(socket: Duplex, error: AerostackError): void {
  const body = bodyOf(error);
  const head = [
    `HTTP/1.1 ${error.status} Refused`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/**
 * The one way from functions to the network. Every connection is checked against the address it is really made to, so a
 * redirect, a name that resolves to a private address or one that changes meanwhile are refused like the address itself.
 */
export function createEgressServer(options: EgressServerOptions): EgressServer {
  const { registry, limits } = options;
  const concurrency = createConcurrencyLimit(limits.egressConcurrency);
  const guard = createConnectGuard(options);
  const dispatcher = new Agent({
    connect: createGuardedConnector(guard, limits.egressConnectTimeoutMs),
    allowH2: false,
    pipelining: 1,
  });

  /** @throws AerostackError for the function to see */
  function depart(req: IncomingMessage): Departure {
    const sender = registry.find(req.headers[TOKEN_HEADER]);
    if (sender === undefined) throw new AerostackError("EGRESS_BLOCKED", { message: "This process has no way out." });
    const url = URL.parse(req.url ?? "");
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
      throw new AerostackError("EGRESS_FAILED", { message: "Only http and https addresses can be fetched." });
    }
    const release = concurrency.take(sender.projectId);
    if (release === null) {
      options.onLimited(sender.projectId, url.host);
      throw new AerostackError("EGRESS_LIMIT_EXCEEDED", {
        message: `The project has ${limits.egressConcurrency} outgoing requests under way, which is all it may have.`,
      });
    }
    return { projectId: sender.projectId, url, release };
  }

  function failure(error: Error, { projectId, url }: Departure): AerostackError {
    const blocked = findBlocked(error);
    if (blocked !== null) {
      options.onBlocked(projectId, url.host, blocked.reason);
      return new AerostackError("EGRESS_BLOCKED", {
        message: `Functions may not reach '${url.hostname}': it is a ${blocked.reason} address.`,
      });
    }
    const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
    return new AerostackError("EGRESS_FAILED", { message: `'${url.host}' could not be reached${code}.`, cause: error });
  }

  const server = createServer(
    { requireHostHeader: false, maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS },
    (req, res) => {
      try {
        const departure = depart(req);
        forwardRequest(req, res, {
          dispatcher,
          url: departure.url,
          idleMs: limits.egressIdleMs,
          toPlatform: options.allowed.isPlatform(departure.url),
          onEnd: departure.release,
          onFailure: (error) => answer(res, failure(error, departure)),
        });
      } catch (error) {
        answer(res, error instanceof AerostackError ? error : new AerostackError("EGRESS_FAILED", { cause: error }));
      }
    },
  );
  // Bodies may take as long as they like; silence is what is limited.
  server.requestTimeout = 0;
  server.headersTimeout = 0;

  // The server forgets sockets that it hands out, and would wait for them when it closes.
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.on("close", () => upgraded.delete(socket));
    socket.on("error", () => {});
    let departure: Departure | undefined;
    try {
      const started = depart(req);
      departure = started;
      forwardUpgrade(req, socket, head, {
        guard,
        url: started.url,
        timeoutMs: limits.egressConnectTimeoutMs,
        toPlatform: options.allowed.isPlatform(started.url),
        onEnd: started.release,
        onFailure: (error) => answerRaw(socket, failure(error, started)),
      });
    } catch (error) {
      departure?.release();
      if (error instanceof AerostackError) answerRaw(socket, error);
      else if (departure !== undefined) answerRaw(socket, failure(error as Error, departure));
      else answerRaw(socket, new AerostackError("EGRESS_FAILED", { cause: error }));
    }
  });

  // connect() of cloudflare:sockets arrives as CONNECT, without the headers that say who asks: there is no raw TCP.
  server.on("connect", (_req: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => {});
    answerRaw(socket, new AerostackError("EGRESS_BLOCKED", { message: "Functions cannot open raw TCP connections." }));
  });

  return {
    server,
    inFlight: () => concurrency.inFlight,
    async close() {
      server.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await dispatcher.destroy();
    },
  };
}

/** With several addresses the refusal may be one of the causes of what is reported. */
function findBlocked(error: unknown): EgressBlockedError | null {
  if (error instanceof EgressBlockedError) return error;
  if (error instanceof AggregateError) {
    for (const one of error.errors) {
      const found = findBlocked(one);
      if (found !== null) return found;
    }
  }
  return error instanceof Error && error.cause !== undefined ? findBlocked(error.cause) : null;
}
