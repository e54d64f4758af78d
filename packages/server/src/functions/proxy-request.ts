import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import type { Dispatcher } from "undici";
import { functionResponseHeaders } from "./forwarded-headers.ts";

export interface ProxyLimits {
  /** Time from the forwarded request to the function's response headers. */
  readonly wallTimeMs: number;
  /** Silence after which a response that has begun is given up. */
  readonly streamIdleMs: number;
  readonly maxBodyBytes: number;
}

export interface ProxyRequest {
  readonly dispatcher: Dispatcher;
  readonly path: string;
  /** Flat name-value list. */
  readonly headers: string[];
  /** Headers that the platform adds to the answer. */
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly limits: ProxyLimits;
  /** Called once, when the exchange is over in whatever way; `status` is what the client got, 499 when it left first. */
  readonly onEnd: (status: number) => void;
  /** Called instead of `onEnd` when nothing has been sent yet: the caller answers. */
  readonly onFailure: (error: Error) => void;
}

/** The client closed the connection before the answer (nginx's convention; never sent). */
export const CLIENT_CLOSED_REQUEST = 499;
const ORIGIN = "http://function";

export function hasBody(req: IncomingMessage): boolean {
  return req.headers["content-length"] !== undefined || req.headers["transfer-encoding"] !== undefined;
}

/** Ends a body whose length was not announced as soon as it passes the limit. */
function limitBody(maxBytes: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > maxBytes) done(new AerostackError("FUNCTION_BODY_TOO_LARGE"));
      else done(null, chunk);
    },
  });
}

/**
 * Forwards one HTTP request to a function's process and streams its answer back, in both directions without buffering:
 * whoever is slower holds the other back.
 */
export function proxyRequest(req: IncomingMessage, res: ServerResponse, request: ProxyRequest): void {
  const { limits } = request;
  const announced = req.headers["content-length"];
  if (announced !== undefined && Number(announced) > limits.maxBodyBytes) {
    request.onFailure(new AerostackError("FUNCTION_BODY_TOO_LARGE"));
    return;
  }
  let body: IncomingMessage | Transform | null = null;
  if (hasBody(req)) {
    body = announced === undefined ? req.pipe(limitBody(limits.maxBodyBytes)) : req;
  }

  let controller: Dispatcher.DispatchController | undefined;
  let ended = false;
  const end = (status: number): void => {
    if (ended) return;
    ended = true;
    res.off("close", abandon);
    request.onEnd(status);
  };
  const abandon = (): void => {
    if (ended) return;
    end(res.headersSent ? res.statusCode : CLIENT_CLOSED_REQUEST);
    controller?.abort(new Error("the client closed the connection"));
  };
  res.on("close", abandon);

  request.dispatcher.dispatch(
    {
      origin: ORIGIN,
      path: request.path,
      method: req.method as Dispatcher.HttpMethod,
      headers: request.headers,
      body,
      headersTimeout: limits.wallTimeMs,
      bodyTimeout: limits.streamIdleMs,
    },
    {
      onRequestStart(started) {
        controller = started;
        if (ended) started.abort(new Error("the client closed the connection"));
      },
      onResponseStart(_controller, status, headers, statusMessage) {
        if (status < 200 || ended) return;
        const answer = Object.assign(functionResponseHeaders(headers), request.answerHeaders);
        if (statusMessage === undefined || statusMessage === "") res.writeHead(status, answer);
        else res.writeHead(status, statusMessage, answer);
        // A stream that has nothing to say yet (SSE) still shows its headers at once; where the first bytes came with
        // them, both leave in one packet.
        if (headers["content-length"] === undefined) queueMicrotask(() => res.flushHeaders());
      },
      onResponseData(current, chunk) {
        if (!res.write(chunk)) {
          current.pause();
          res.once("drain", () => current.resume());
        }
      },
      onResponseEnd() {
        res.end();
        end(res.statusCode);
      },
      onResponseError(_controller, error) {
        if (ended) return;
        if (res.headersSent) {
          // The status is out; an aborted connection is the only honest way left to say that the body is not whole.
          res.destroy();
          end(res.statusCode);
          return;
        }
        ended = true;
        res.off("close", abandon);
        request.onFailure(error);
      },
    },
  );
}
