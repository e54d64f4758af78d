import { type IncomingMessage, type RequestOptions, request as requestHttp, STATUS_CODES } from "node:http";
import { request as requestHttps } from "node:https";
import type { Duplex } from "node:stream";
import { hostAndPort } from "./allowed-hosts.ts";
import { forwardedHeaders, outgoingHeaders } from "./forwarded-headers.ts";
import type { ConnectGuard } from "./guarded-connect.ts";

export interface UpgradeOptions {
  readonly guard: ConnectGuard;
  readonly url: URL;
  readonly timeoutMs: number;
  /** The platform itself is asked. */
  readonly toPlatform: boolean;
  readonly onEnd: () => void;
  /** Nothing has been answered yet: the caller answers. */
  readonly onFailure: (error: Error) => void;
}

function headText(status: number, statusMessage: string, rawHeaders: readonly string[]): string {
  let head = `HTTP/1.1 ${status} ${statusMessage}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return `${head}\r\n`;
}

/** Connects a function's WebSocket to where it wants to go; both directions are piped as they are. */
export function forwardUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, options: UpgradeOptions): void {
  const { guard, url } = options;
  const { host, port } = hostAndPort(url);
  guard.checkLiteral(host, port);
  const request: RequestOptions = {
    host,
    port,
    method: "GET",
    path: `${url.pathname}${url.search}`,
    headers: [
      ...outgoingHeaders(req.rawHeaders, options.toPlatform),
      ...["Host", url.host, "Connection", "Upgrade", "Upgrade", req.headers.upgrade ?? "websocket"],
    ],
    lookup: guard.lookupFor(port),
    agent: false,
    timeout: options.timeoutMs,
  };
  const outgoing = url.protocol === "https:" ? requestHttps(request) : requestHttp(request);
  let answered = false;

  outgoing.on("upgrade", (response, upstream, upstreamHead) => {
    answered = true;
    upstream.setTimeout(0);
    socket.write(headText(response.statusCode ?? 101, response.statusMessage ?? "", response.rawHeaders));
    if (upstreamHead.length > 0) socket.write(upstreamHead);
    if (head.length > 0) upstream.write(head);
    pipeBothWays(socket, upstream);
    upstream.on("close", options.onEnd);
  });
  outgoing.on("response", (response) => {
    // The other side does not want a WebSocket: its answer is passed on, and the connection ends with it.
    answered = true;
    const status = response.statusCode ?? 502;
    const headers = [...forwardedHeaders(response.rawHeaders), "Connection", "close"];
    socket.write(headText(status, response.statusMessage ?? STATUS_CODES[status] ?? "", headers));
    response.pipe(socket);
    response.on("close", options.onEnd);
  });
  outgoing.on("timeout", () => outgoing.destroy(new Error("the other side did not answer")));
  outgoing.on("error", (error) => {
    if (answered) socket.destroy();
    else options.onFailure(error);
    options.onEnd();
  });
  socket.on("error", () => {});
  socket.on("close", () => outgoing.destroy());
  outgoing.end();
}

function pipeBothWays(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  a.on("close", () => b.destroy());
  b.on("close", () => a.destroy());
  b.on("error", () => a.destroy());
}
