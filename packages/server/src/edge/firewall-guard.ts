import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AerostackError, type FirewallMode } from "@aerostack/contracts";
import { BLOCK_SCORE, type Judge } from "../front-door/firewall/judge.ts";
import type { Engine, Inspection } from "../front-door/waf/engine.ts";
import { refuseUpgrade } from "../kernel/refuse-upgrade.ts";
import { asRefusal } from "./as-refusal.ts";
import { renderError } from "./error-shapes.ts";
import { answerError } from "./gateway-listener.ts";
import type { RequestAreaReader } from "./request-area.ts";
import { acceptRequestId } from "./request-id.ts";

export type { FirewallMode } from "@aerostack/contracts";

export interface FirewallGuardOptions {
  readonly engine: Engine;
  readonly judge: Judge;
  /** Of the management interface: its addresses are few and known, so an attack there is one. */
  readonly management: FirewallMode;
  /** Of what projects serve and chose nothing for: functions and the data plane carry SQL, code and prose in earnest. */
  readonly projects: FirewallMode;
  /** Whether a project chose to have its requests looked at, where the installation looks at none. */
  readonly someProjectInspects: () => boolean;
  /** What a request is for; asked of suspects only. */
  readonly areaOf: RequestAreaReader;
  readonly callerOf: (req: IncomingMessage) => { readonly ip: string; readonly region: string | null };
}

export interface FirewallGuard {
  /** True when the request was refused and answered. A promise for suspects only. */
  isRefused(req: IncomingMessage, res: ServerResponse): boolean | Promise<boolean>;
  /** The same for a request to switch protocols. */
  isUpgradeRefused(req: IncomingMessage, socket: Duplex): boolean | Promise<boolean>;
}

/** Looks at address and headers of every request before anything else does. Bodies stream through here unread. */
export function createFirewallGuard(options: FirewallGuardOptions): FirewallGuard {
  const { engine, judge } = options;
  const looksAnyway = options.management !== "off" || options.projects !== "off";

  function suspicion(req: IncomingMessage): Inspection | null {
    if (!looksAnyway && !options.someProjectInspects()) return null;
    const found = engine.inspectHead(req);
    return found === null || found.score < BLOCK_SCORE ? null : found;
  }

  /** The id under which the request is noted here, its answer and its own log line. */
  function requestIdOf(req: IncomingMessage): string {
    const sent = req.headers["x-request-id"];
    const requestId = acceptRequestId(typeof sent === "string" ? sent : undefined);
    if (sent !== requestId) {
      req.headers["x-request-id"] = requestId;
      req.rawHeaders.push("x-request-id", requestId);
    }
    return requestId;
  }

  async function refuses(req: IncomingMessage, inspection: Inspection, requestId: string): Promise<boolean> {
    const { projectId, isApi } = await options.areaOf(req);
    return await judge.refuses({
      inspection,
      projectId,
      defaultMode: isApi ? options.management : options.projects,
      url: req.url ?? "/",
      requestId,
      ...options.callerOf(req),
    });
  }

  const blocked = () => new AerostackError("WAF_BLOCKED");

  return {
    isRefused(req, res) {
      const found = suspicion(req);
      if (found === null) return false;
      const requestId = requestIdOf(req);
      return refuses(req, found, requestId).then(
        (isRefused) => {
          if (isRefused) answerError(req, res, blocked(), requestId);
          return isRefused;
        },
        (cause: unknown) => {
          answerError(req, res, asRefusal(cause), requestId);
          return true;
        },
      );
    },

    isUpgradeRefused(req, socket) {
      const found = suspicion(req);
      if (found === null) return false;
      const requestId = requestIdOf(req);
      const refuse = (error: AerostackError): true => {
        refuseUpgrade(socket, error, renderError(req.url ?? "/", error, requestId).body, requestId);
        return true;
      };
      // Nobody else listens yet to what becomes of the socket.
      const destroy = (): void => void socket.destroy();
      socket.on("error", destroy);
      return refuses(req, found, requestId)
        .then(
          (isRefused) => isRefused && refuse(blocked()),
          (cause: unknown) => refuse(asRefusal(cause)),
        )
        .then((isRefused) => isRefused || socket.destroyed);
    },
  };
}
