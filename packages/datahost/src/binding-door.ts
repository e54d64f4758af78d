import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Grants } from "./grants.ts";
import type { BindingHandler } from "./state/binding-handler.ts";

export interface BindingDoorOptions {
  readonly grants: Grants;
  /** By the kind in `x-aero-binding: <kind>:<resource>`. */
  readonly handlers: Readonly<Record<string, BindingHandler>>;
  readonly onError: (error: unknown, where: string) => void;
}

/** Processes keep their connections for as long as they live; nobody else can open the socket. */
const KEEP_ALIVE_MS = 10 * 60_000;

/**
 * The HTTP server behind workerd's bindings. Who asks is told by a token that user code can neither see nor set; what is
 * asked for is told by a header of the same configuration.
 */
export function createBindingDoor({ grants, handlers, onError }: BindingDoorOptions): Server {
  function refuse(req: IncomingMessage, res: ServerResponse, status: number, text: string): void {
    req.resume();
    res.writeHead(status, { "content-type": "text/plain", "content-length": Buffer.byteLength(text) }).end(text);
  }

  const server = createServer((req, res) => {
    const token = req.headers["x-aero-token"];
    const grant = typeof token === "string" ? grants.find(token) : undefined;
    if (grant === undefined) {
      refuse(req, res, 401, "This process has no grant.");
      return;
    }
    const binding = String(req.headers["x-aero-binding"] ?? "");
    const colon = binding.indexOf(":");
    const kind = binding.slice(0, colon);
    const handler = Object.hasOwn(handlers, kind) ? handlers[kind] : undefined;
    if (handler === undefined) {
      refuse(req, res, 404, "There is no such binding.");
      return;
    }
    const fail = (error: unknown): void => {
      onError(error, `binding ${binding} of ${grant.projectId}`);
      if (res.headersSent) res.destroy();
      else refuse(req, res, 500, "Internal error");
    };
    try {
      handler(grant, binding.slice(colon + 1), req, res)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0;
  return server;
}
