import { readFileSync } from "node:fs";
import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";

export interface HttpServerOptions {
  readonly app: Hono<AppEnv>;
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly certPath: string; readonly keyPath: string };
  /** Sees every request first and answers those that it returns true for: the hot path, without Hono. */
  readonly onRequest?: (req: IncomingMessage, res: ServerResponse) => boolean;
  /** Takes WebSocket upgrades; false leaves the request to be refused. */
  readonly onUpgrade?: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
}

export interface HttpServer {
  readonly port: number;
  readonly server: Server;
  /** Takes no new connections, lets running requests end, then cuts what is left after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** A slow sender of headers costs a connection for this long at most. */
const HEADERS_TIMEOUT_MS = 15_000;
/** Longer than the idle time of common proxies, so that they close first and never send into a closing socket. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** Listens, and resolves when it does. */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  const appListener = getRequestListener(options.app.fetch, { overrideGlobalObjects: false });
  const { onRequest } = options;
  const listener =
    onRequest === undefined
      ? appListener
      : (req: IncomingMessage, res: ServerResponse) => {
          if (!onRequest(req, res)) void appListener(req, res);
        };
  const server =
    options.tls === undefined
      ? createPlainServer(listener)
      : createTlsServer(
          {
            cert: readFileSync(options.tls.certPath),
            key: readFileSync(options.tls.keyPath),
            minVersion: "TLSv1.2",
          },
          listener,
        );
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.on("upgrade", (req, socket: Duplex, head: Buffer) => {
    if (options.onUpgrade?.(req, socket, head) === true) return;
    socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: (timeoutMs) => closeServer(server, timeoutMs),
  };
}

async function closeServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection that was busy a moment ago is idle now and would hold the close for its keep-alive time.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
  try {
    await closed;
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
