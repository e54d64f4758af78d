import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request through Node's own client, which sends headers, hosts and paths that `fetch` would not. */
export async function send(
  url: string,
  options: {
    readonly method?: string;
    /** Sent as it is, instead of the URL's. */
    readonly path?: string;
    readonly headers?: OutgoingHttpHeaders;
    readonly body?: string | Buffer;
  } = {},
): Promise<RawAnswer> {
  return await new Promise((resolve, reject) => {
    const target = new URL(url);
    const req = request(
      {
        host: target.hostname,
        port: target.port,
        path: options.path ?? `${target.pathname}${target.search}`,
        method: options.method ?? "GET",
        headers: options.headers ?? {},
        agent: false,
      },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () =>
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    req.on("error", reject);
    req.end(options.body);
  });
}

/** Writes bytes to the server's port and gives back all that it answers until it closes, or until `settled` says enough. */
export async function exchangeBytes(
  port: number,
  bytes: string | Buffer,
  settled: (received: string) => boolean = () => false,
  timeoutMs = 5_000,
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (settled(received)) socket.destroy();
    });
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(received);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A server that refuses may reset the connection while the rest of the request is on its way.
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("connect", () => socket.write(bytes));
  });
}
