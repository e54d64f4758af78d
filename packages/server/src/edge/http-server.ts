import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import { type AddressInfo, createServer as createProbe } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { ServerCertificates } from "../front-door/tls/server-certificates.ts";
import { TLS_FLOOR } from "../front-door/tls/tls-floor.ts";
import { StartError } from "../kernel/start-error.ts";
import type { AppEnv } from "./app-env.ts";
import { answerBrokenRequest } from "./broken-request.ts";
import { type ConnectionLimit, limitConnections } from "./connection-limit.ts";
import { HSTS } from "./security-headers.ts";
import { cutSlowBodies, type SlowBodyRule } from "./slow-bodies.ts";

export interface HttpServerOptions {
  readonly app: Hono<AppEnv>;
  readonly host: string;
  readonly port: number;
  /** Set: the server speaks HTTPS. */
  readonly tls?: ServerCertificates;
  readonly connections?: ConnectionLimit;
  readonly slowBodies?: SlowBodyRule;
  /** Time from the first byte of a connection or request to the end of its headers. */
  readonly headersTimeoutMs?: number;
  /** Sees every request first and answers those that it returns true for: the hot path, without Hono. */
  readonly onRequest?: (req: IncomingMessage, res: ServerResponse) => boolean | Promise<boolean>;
  /** Told of every request before it is answered. */
  readonly observe?: (req: IncomingMessage, res: ServerResponse) => void;
  /** True: every answer tells browsers to come by HTTPS from now on. */
  readonly sendsHsts?: boolean;
  /** Takes WebSocket upgrades; false leaves the request to be refused. */
  readonly onUpgrade?: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean | Promise<boolean>;
}

export interface HttpServer {
  readonly port: number;
  readonly server: Server;
  /** Takes no new connections, lets running requests end, then cuts what is left after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** A slow sender of headers costs a connection for this long at most. */
export const HEADERS_TIMEOUT_MS = 15_000;
/** How often connections are looked at: a slow one lives this much longer at most. */
const CONNECTIONS_CHECK_MS = 2_000;
/** Of the request line and all headers together. */
const MAX_HEADER_BYTES = 16 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Longer than the idle time of common proxies, so that they close first and never send into a closing socket. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** A port of the host that nobody listens on. */
export async function findFreePort(host: string): Promise<number> {
  const probe = createProbe();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, host, resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}

/** Listens, and resolves when it does. */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  const appListener = getRequestListener(options.app.fetch, { overrideGlobalObjects: false });
  const { onRequest, observe } = options;
  const sendsHsts = options.sendsHsts === true;
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    if (sendsHsts) res.setHeader("strict-transport-security", HSTS);
    observe?.(req, res);
    const taken = onRequest?.(req, res) ?? false;
    if (taken instanceof Promise) void taken.then((isTaken) => (isTaken ? undefined : appListener(req, res)));
    else if (!taken) void appListener(req, res);
  };
  const limits = { connectionsCheckingInterval: CONNECTIONS_CHECK_MS, maxHeaderSize: MAX_HEADER_BYTES };
  const server =
    options.tls === undefined ? createPlainServer(limits, listener) : createSecureServer(options.tls, limits, listener);
  server.on("clientError", answerBrokenRequest);
  if (options.connections !== undefined) limitConnections(server, options.connections);
  cutSlowBodies(server, options.slowBodies);
  const silent = trackSilentConnections(server);
  server.headersTimeout = options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  // Bodies have no end by the clock, but a least speed: see cutSlowBodies.
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.on("upgrade", (req, socket: Duplex, head: Buffer) => {
    const refuse = (isTaken: boolean): void => {
      if (!isTaken) socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    };
    const taken = options.onUpgrade?.(req, socket, head) ?? false;
    if (taken instanceof Promise) taken.then(refuse, () => socket.destroy());
    else refuse(taken);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explainListenError(error, options)));
    server.listen(options.port, options.host, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: (timeoutMs) => closeServer(server, silent, timeoutMs),
  };
}

function createSecureServer(
  certificates: ServerCertificates,
  limits: { readonly connectionsCheckingInterval: number; readonly maxHeaderSize: number },
  listener: (req: IncomingMessage, res: ServerResponse) => void,
): TlsServer {
  const server = createTlsServer(
    {
      ...limits,
      ...TLS_FLOOR,
      ...certificates.initial(),
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      SNICallback(hostname, done) {
        Promise.resolve(certificates.find(hostname)).then(
          (found) => done(null, found ?? undefined),
          (error: unknown) => done(error instanceof Error ? error : new Error("no certificate")),
        );
      },
    },
    listener,
  );
  certificates.onChange((pair) => server.setSecureContext({ ...pair, ...TLS_FLOOR }));
  return server;
}

function explainListenError(error: NodeJS.ErrnoException, { host, port }: HttpServerOptions): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} on ${host} is in use; stop what uses it or set PORT to another`,
    EACCES: `port ${port} needs more rights than this process has; set PORT to one above 1023`,
    EADDRNOTAVAIL: `this machine has no address ${host}; set HOST to one that it has`,
    ENOTFOUND: `the name ${host} has no address; set HOST to an address of this machine`,
  };
  const reason = reasons[error.code ?? ""];
  return reason === undefined ? error : new StartError(`${reason}.`, { cause: error });
}

/**
 * Which connections have never sent a request. Browsers open some in advance; Node counts them as busy and would wait for
 * them at the end.
 */
function trackSilentConnections(server: Server): ReadonlySet<Duplex> {
  const silent = new Set<Duplex>();
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", (socket: Duplex) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
  });
  const speaks = (req: IncomingMessage): void => void silent.delete(req.socket);
  server.prependListener("request", speaks);
  server.prependListener("upgrade", speaks);
  return silent;
}

async function closeServer(server: Server, silent: ReadonlySet<Duplex>, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const closeIdle = (): void => {
    server.closeIdleConnections();
    for (const socket of silent) socket.destroy();
  };
  closeIdle();
  // A connection that was busy a moment ago is idle now and would hold the close for its keep-alive time.
  const sweep = setInterval(closeIdle, 100);
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
  try {
    await closed;
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
