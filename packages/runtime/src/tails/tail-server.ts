import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "@aerostack/kernel";
import { TOKEN_HEADER } from "../config/build-config.ts";
import type { ProcessRegistry, RegisteredProcess } from "../process/process-registry.ts";
import type { TailEntry } from "../types.ts";
import type { LineLimiter } from "./line-limiter.ts";
import { parseTailPost } from "./parse-tail.ts";

export interface TailServerOptions {
  readonly clock: Clock;
  readonly registry: ProcessRegistry;
  readonly limiter: LineLimiter;
  readonly onTail: (entries: readonly TailEntry[]) => void;
}

/** A thousand lines of the greatest length, in the worst of encodings, are more; such a post is cut off. */
const MAX_POST_BYTES = 8 * 1024 * 1024;
/** Lines of a project that were left out are reported at most this often. */
const REPORT_INTERVAL_MS = 1000;

/** Receives what functions logged. A flood costs its own project: what is over the limit is counted, not read. */
export function createTailServer(options: TailServerOptions): Server {
  const { clock, registry, limiter } = options;
  const dropped = new Map<string, { lines: number; timer: NodeJS.Timeout }>();

  function drop(projectId: string, lines: number): void {
    if (lines <= 0) return;
    const waiting = dropped.get(projectId);
    if (waiting !== undefined) {
      waiting.lines += lines;
      return;
    }
    const timer = setTimeout(() => report(projectId), REPORT_INTERVAL_MS);
    timer.unref();
    dropped.set(projectId, { lines, timer });
  }

  function report(projectId: string): void {
    const waiting = dropped.get(projectId);
    dropped.delete(projectId);
    if (waiting === undefined) return;
    options.onTail([
      {
        projectId,
        functionKey: null,
        kind: "console",
        level: "warn",
        time: clock.now(),
        requestId: null,
        message: `${waiting.lines} log lines were dropped: the project logs faster than is kept.`,
      },
    ]);
  }

  function accept(sender: RegisteredProcess, body: string): boolean {
    const { projectId, spec } = sender;
    const post = parseTailPost(body, projectId, new Set(spec.functions.map((one) => one.key)), clock.now());
    if (post === null) return false;
    const admitted = limiter.admit(projectId, post.entries.length, performance.now());
    drop(projectId, post.dropped + post.entries.length - admitted);
    if (admitted > 0) options.onTail(post.entries.slice(0, admitted));
    return true;
  }

  function receive(req: IncomingMessage, res: ServerResponse): void {
    const sender = registry.find(req.headers[TOKEN_HEADER]);
    if (sender === undefined) {
      res.writeHead(403, { connection: "close" }).end();
      return;
    }
    const announced = Number(req.headers["x-aero-lines"] ?? 0);
    const lines = Number.isSafeInteger(announced) && announced >= 0 ? announced : 0;
    if (limiter.isExhausted(sender.projectId, performance.now())) {
      drop(sender.projectId, lines);
      req.resume();
      res.writeHead(204).end();
      return;
    }
    let size = 0;
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_POST_BYTES) {
        drop(sender.projectId, lines);
        req.destroy();
      } else {
        chunks.push(chunk);
      }
    });
    req.on("end", () => {
      res.writeHead(accept(sender, Buffer.concat(chunks).toString("utf8")) ? 204 : 400).end();
    });
    req.on("error", () => {});
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, receive);
  server.on("close", () => {
    for (const [projectId, { timer }] of dropped) {
      clearTimeout(timer);
      report(projectId);
    }
  });
  return server;
}
