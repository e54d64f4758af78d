import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { StartError } from "../kernel/start-error.ts";
import { HEADERS_TIMEOUT_MS } from "./http-server.ts";

export interface PlainHttpOptions {
  readonly host: string;
  readonly port: number;
  /** Where HTTPS answers, as clients see it. */
  readonly httpsPort: number;
  /** What a certificate authority wants to read of a token. */
  readonly answerChallenge: (token: string) => Promise<string | null>;
}

const CHALLENGE_PATH = "/.well-known/acme-challenge/";
/** A host name or IPv4 address, or an IPv6 one in brackets; nothing that could lead a browser elsewhere. */
const HOST = /^([a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;
const HTTPS_PORT = 443;

/**
 * Plain HTTP for the two things it is good for: the authority's look at a host, and telling browsers to come by HTTPS.
 * What carries a body or another method than GET is refused rather than redirected: it has crossed the network in clear
 * text already, and whoever sent it should see that.
 */
export async function listenPlain(options: PlainHttpOptions): Promise<{ readonly port: number; close(): void }> {
  const server = createServer({ connectionsCheckingInterval: 2_000 }, (req, res) => {
    answer(req, res, options).catch(() => res.destroy());
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = 1_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new StartError(`AEROSTACK_HTTP_PORT: port ${options.port} cannot be opened: ${cause.message}`, { cause }));
    });
    server.listen(options.port, options.host, resolve);
  });
  return { port: portOf(server), close: () => closeNow(server) };
}

async function answer(req: IncomingMessage, res: ServerResponse, options: PlainHttpOptions): Promise<void> {
  const url = req.url ?? "/";
  const isRead = req.method === "GET" || req.method === "HEAD";
  if (isRead && url.startsWith(CHALLENGE_PATH)) {
    const found = await options.answerChallenge(url.slice(CHALLENGE_PATH.length));
    respond(res, found === null ? 404 : 200, found ?? "There is no such challenge.");
    return;
  }
  const target = isRead ? httpsAddress(req.headers.host, url, options.httpsPort) : null;
  if (target === null) {
    respond(
      res,
      isRead ? 400 : 403,
      isRead ? "The Host header is not a host." : "This address answers over HTTPS only.",
    );
    return;
  }
  res.writeHead(308, { location: target, "content-length": 0, connection: "close" }).end();
}

/** The same address over HTTPS; null where the host is none. */
export function httpsAddress(host: string | undefined, url: string, httpsPort: number): string | null {
  const name = HOST.exec(host ?? "")?.[1];
  if (name === undefined || !url.startsWith("/")) return null;
  return `https://${name.toLowerCase()}${httpsPort === HTTPS_PORT ? "" : `:${httpsPort}`}${url}`;
}

function respond(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    connection: "close",
  });
  res.end(text);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function closeNow(server: Server): void {
  server.close();
  server.closeAllConnections();
}
