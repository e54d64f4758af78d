// The least that a proxy in Node can do: pass the request on to a unix socket and the answer back, through undici's
// dispatcher, with no checks, no limits and no log. Usage: node bare-proxy.ts <socket>
import type { Pool as UndiciPool } from "undici";
import { importAsServer } from "../server-package.ts";
import { announce } from "./announce.ts";
import { listenOnLoopback } from "./listen-on-loopback.ts";

const [socketPath] = process.argv.slice(2);
if (socketPath === undefined) throw new Error("Usage: bare-proxy.ts <socket>");

/** As many as the server may open to a function. */
const MAX_CONNECTIONS = 1024;

const { Pool } = await importAsServer<{ Pool: typeof UndiciPool }>("undici");
const pool = new Pool("http://function", { socketPath, connections: MAX_CONNECTIONS, pipelining: 1 });

function endToEnd(headers: Record<string, string | string[] | undefined>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && name !== "connection" && name !== "keep-alive" && name !== "transfer-encoding") {
      kept[name] = value;
    }
  }
  return kept;
}

const url = await listenOnLoopback((req, res) => {
  const hasBody = req.headers["content-length"] !== undefined || req.headers["transfer-encoding"] !== undefined;
  pool.dispatch(
    {
      path: req.url ?? "/",
      method: (req.method ?? "GET") as "GET",
      headers: endToEnd(req.headers),
      body: hasBody ? req : null,
    },
    {
      onRequestStart() {},
      onResponseStart(_controller, status, headers) {
        res.writeHead(status, endToEnd(headers));
      },
      onResponseData(controller, chunk) {
        if (res.write(chunk)) return;
        controller.pause();
        res.once("drain", () => controller.resume());
      },
      onResponseEnd() {
        res.end();
      },
      onResponseError() {
        res.destroy();
      },
    },
  );
});
announce(url);
