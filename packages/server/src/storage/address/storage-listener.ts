import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import type { Logger } from "../../kernel/log.ts";
import { levelOfStatus } from "../../logs/level-of-status.ts";
import type { NewLogEntry } from "../../logs/log-entry.ts";
import { type S3Style, s3StyleOf } from "../s3/s3-address.ts";
import { isTus } from "../tus/tus-door.ts";
import { isEndUserUpload } from "./end-user-door.ts";
import { PUBLIC_PREFIX } from "./object-urls.ts";
import type { ServedRequest } from "./public-door.ts";

/** What is known of a request before anything else. */
export interface StorageCaller {
  readonly requestId: string;
  readonly ip: string;
  readonly region: string | null;
}

export type StorageDoor = (
  req: IncomingMessage,
  res: ServerResponse,
  caller: StorageCaller,
  served: ServedRequest,
) => Promise<void>;

export interface StorageListenerOptions {
  readonly publicDoor: StorageDoor;
  readonly tusDoor: StorageDoor;
  readonly endUserDoor: StorageDoor;
  readonly s3Door: (...args: [...Parameters<StorageDoor>, style: S3Style]) => Promise<void>;
  /** Buckets answer at `<bucket>.s3.<domain>`. */
  readonly domain: string;
  readonly log: (entry: NewLogEntry) => void;
  readonly logger: Logger;
  readonly now: () => number;
  readonly answerError: (req: IncomingMessage, res: ServerResponse, error: AerostackError, requestId: string) => void;
}

const FIRST_SERVER_ERROR = 500;

/** Takes requests for objects on the hot path, without the web framework: answer, error, log line. */
export function createStorageListener(options: StorageListenerOptions) {
  async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    caller: StorageCaller,
    door: StorageDoor,
  ): Promise<void> {
    const startedAt = performance.now();
    const time = options.now();
    const served: ServedRequest = {};
    res.setHeader("x-request-id", caller.requestId);
    try {
      await door(req, res, caller, served);
    } catch (cause) {
      const error = cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause });
      const message = `${error.code}: ${error.message}`;
      served.message = message;
      if (error.status >= FIRST_SERVER_ERROR) {
        options.logger.error({ err: error.cause ?? error, code: error.code, requestId: caller.requestId }, message);
      }
      if (res.headersSent) res.destroy();
      else if (!res.destroyed) options.answerError(req, res, error, caller.requestId);
    }
    if (!req.readableEnded) req.resume();
    if (served.projectId === undefined) return;
    const { statusCode: status } = res;
    options.log({
      projectId: served.projectId,
      time,
      kind: "request",
      level: levelOfStatus(status),
      message: served.message ?? "",
      requestId: caller.requestId,
      environment: "production",
      method: req.method ?? null,
      // Without its query: a signature opens the object to whoever reads the log.
      path: (req.url ?? "/").split("?")[0] ?? "/",
      status,
      latencyMs: performance.now() - startedAt,
      keyId: null,
      ip: caller.ip,
      region: caller.region,
    });
  }

  /** True when the request is taken. */
  return function handle(req: IncomingMessage, res: ServerResponse, callerOf: () => StorageCaller): boolean {
    const { url = "/" } = req;
    const style = s3StyleOf(req.headers, url, options.domain);
    if (style !== null) {
      const s3: StorageDoor = (...args) => options.s3Door(...args, style);
      void serve(req, res, callerOf(), s3);
      return true;
    }
    const door = url.startsWith(PUBLIC_PREFIX)
      ? options.publicDoor
      : isTus(url)
        ? options.tusDoor
        : isEndUserUpload(url)
          ? options.endUserDoor
          : undefined;
    if (door === undefined) return false;
    void serve(req, res, callerOf(), door);
    return true;
  };
}
