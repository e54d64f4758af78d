import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { forwardedHeaders, outgoingHeaders } from "./forwarded-headers.ts";

export interface ForwardOptions {
  readonly dispatcher: Dispatcher;
  readonly url: URL;
  readonly idleMs: number;
  /** The platform itself is asked. */
  readonly toPlatform: boolean;
  /** The exchange is over, in whatever way. Called once. */
  readonly onEnd: () => void;
  /** Nothing has been answered yet: the caller answers. Called at most once, before `onEnd`. */
  readonly onFailure: (error: Error) => void;
}

function hasBody(req: IncomingMessage): boolean {
  return req.headers["content-length"] !== undefined || req.headers["transfer-encoding"] !== undefined;
}

/** Sends a function's request to where it wants to go and streams the answer back. Redirects are the function's affair. */
export function forwardRequest(req: IncomingMessage, res: ServerResponse, options: ForwardOptions): void {
  const { url } = options;
  let controller: Dispatcher.DispatchController | undefined;
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    options.onEnd();
  };
  res.on("close", () => {
    if (over) return;
    controller?.abort(new Error("the function let go of the request"));
    end();
  });

  options.dispatcher.dispatch(
    {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: req.method as Dispatcher.HttpMethod,
      headers: outgoingHeaders(req.rawHeaders, options.toPlatform),
      body: hasBody(req) ? req : null,
      headersTimeout: options.idleMs,
      bodyTimeout: options.idleMs,
    },
    {
      onRequestStart(started) {
        controller = started;
        if (over) started.abort(new Error("the function let go of the request"));
      },
      onResponseStart(current, status, _headers, statusMessage) {
        if (status < 200 || over) return;
        const raw = (current.rawHeaders ?? []) as readonly (Buffer | string)[];
        const headers = forwardedHeaders(
          raw.map((value) => (typeof value === "string" ? value : value.toString("latin1"))),
        );
        res.writeHead(status, statusMessage ?? "", headers);
        res.flushHeaders();
      },
      onResponseData(current, chunk) {
        if (res.write(chunk)) return;
        current.pause();
        res.once("drain", () => current.resume());
      },
      onResponseEnd() {
        res.end();
        end();
      },
      onResponseError(_controller, error) {
        if (over) return;
        if (res.headersSent) res.destroy();
        else options.onFailure(error);
        end();
      },
    },
  );
}
