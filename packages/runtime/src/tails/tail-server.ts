import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "@aerostack/kernel";
import { TOKEN_HEADER } from "../config/build-config.ts";
import type { ProcessRegistry, RegisteredProcess } from "../process/process-registry.ts";
import type { LineIntake } from "./line-intake.ts";
import { parseTailPost } from "./parse-tail.ts";

export interface TailServerOptions {
  readonly clock: Clock;
  readonly registry: ProcessRegistry;
  readonly intake: LineIntake;
}

/** More than the trusted worker puts into a post, six bytes a character, which JSON takes at the worst. A longer one is cut off. */
const MAX_POST_BYTES = 1024 * 1024;

/** Receives what tail workers heard. A flood costs its own project: what is over the limit is counted, not read. */
export function createTailServer({ clock, registry, intake }: TailServerOptions): Server {
  function accept(sender: RegisteredProcess, body: string): boolean {
    const { projectId, spec, failures } = sender;
    const post = parseTailPost(body, projectId, new Set(spec.functions.map((one) => one.key)), clock.now());
    if (post === null) return false;
    for (const entry of post.entries) if (entry.kind === "exception") failures?.known(entry);
    intake.drop(projectId, post.dropped);
    intake.accept(projectId, post.entries);
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
    if (intake.isExhausted(sender.projectId)) {
      intake.drop(sender.projectId, lines);
      req.resume();
      res.writeHead(204).end();
      return;
    }
    let size = 0;
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_POST_BYTES) {
        intake.drop(sender.projectId, lines);
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

  return createServer({ keepAliveTimeout: 60_000 }, receive);
}
