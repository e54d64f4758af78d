import type { IncomingMessage, Server, ServerResponse } from "node:http";

export interface SlowBodyRule {
  /** What a sender must reach, on average over a window. */
  readonly minBytesPerSecond: number;
  readonly windowMs: number;
  readonly checkIntervalMs: number;
}

/** A modem of 1990 passes; somebody who sends a byte now and then does not. */
export const SLOW_BODY_RULE: SlowBodyRule = { minBytesPerSecond: 100, windowMs: 15_000, checkIntervalMs: 3_000 };

interface Receiving {
  sinceMs: number;
  bytes: number;
}

/**
 * Cuts senders of bodies that hold a connection by dribbling. There is no limit on the whole time: a large upload over a
 * thin line may take hours, as long as it moves. Time in which we ourselves do not read does not count.
 */
export function cutSlowBodies(server: Server, rule: SlowBodyRule = SLOW_BODY_RULE): { stop(): void } {
  const receiving = new Map<IncomingMessage, Receiving & { readonly res: ServerResponse }>();
  server.prependListener("request", (req: IncomingMessage, res: ServerResponse) => {
    const announced = req.headers["content-length"];
    if (announced === undefined ? req.headers["transfer-encoding"] === undefined : announced === "0") return;
    receiving.set(req, { res, sinceMs: performance.now(), bytes: req.socket.bytesRead });
    req.once("close", () => receiving.delete(req));
  });

  function check(): void {
    const now = performance.now();
    for (const [req, seen] of receiving) {
      if (req.complete) {
        receiving.delete(req);
        continue;
      }
      const { bytesRead } = req.socket;
      const isHeldBack = req.readableFlowing === false || req.readableLength >= req.readableHighWaterMark;
      const elapsedMs = now - seen.sinceMs;
      if (!isHeldBack && elapsedMs < rule.windowMs) continue;
      const isFast = bytesRead - seen.bytes >= (rule.minBytesPerSecond * elapsedMs) / 1_000;
      if (isHeldBack || isFast) {
        seen.sinceMs = now;
        seen.bytes = bytesRead;
      } else cut(req, seen.res);
    }
  }

  const timer = setInterval(check, rule.checkIntervalMs);
  timer.unref();
  server.once("close", () => clearInterval(timer));
  return { stop: () => clearInterval(timer) };
}

function cut(req: IncomingMessage, res: ServerResponse): void {
  if (!res.headersSent) {
    req.socket.write("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  }
  req.socket.destroySoon();
}
