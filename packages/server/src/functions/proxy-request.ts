import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import type { Exchange, FunctionPool } from "@aerostack/runtime";
import { functionResponseHeaders } from "./forwarded-headers.ts";

export interface ProxyLimits {
  /** Time from the forwarded request to the function's response headers. */
  readonly wallTimeMs: number;
  /** Silence after which a response that has begun is given up. */
  readonly streamIdleMs: number;
  readonly maxBodyBytes: number;
}

export interface ProxyRequest {
  readonly pool: FunctionPool;
  readonly path: string;
  /** What was cut off in front of `path`. */
  readonly prefix: string;
  /** Names and values in turn. */
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

  let exchange: Exchange | undefined;
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
    exchange?.abort();
  };
  res.on("close", abandon);

  exchange = request.pool.dispatch(
    {
      path: request.path,
      method: req.method ?? "GET",
      headers: request.headers,
      body,
      headTimeoutMs: limits.wallTimeMs,
      bodyTimeoutMs: limits.streamIdleMs,
    },
    {
      onHead({ status, statusText, headers, contentLength }) {
        const answer = functionResponseHeaders(headers, request.answerHeaders, request.prefix);
        if (statusText === "") res.writeHead(status, answer);
        else res.writeHead(status, statusText, answer);
        // A stream that has nothing to say yet (SSE) still shows its headers at once; where the first bytes came with
        // them, both leave in one packet.
        if (contentLength === null) queueMicrotask(() => res.flushHeaders());
      },
      onData(chunk, release) {
        if (res.write(chunk, release)) return true;
        res.once("drain", () => exchange?.resume());
        return false;
      },
      onEnd(last) {
        res.end(last);
        end(res.statusCode);
      },
      onError(error) {
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
