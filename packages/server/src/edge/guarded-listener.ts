import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { refuseUpgrade } from "../kernel/refuse-upgrade.ts";
import type { AddressGate } from "./address-gate.ts";
import { renderError } from "./error-shapes.ts";
import type { FirewallGuard } from "./firewall-guard.ts";
import { answerError } from "./gateway-listener.ts";
import type { ProjectCors } from "./project-cors.ts";
import { acceptRequestId } from "./request-id.ts";

export interface Listener {
  /** True when the request is taken. */
  onRequest(req: IncomingMessage, res: ServerResponse): boolean | Promise<boolean>;
  /** True when the upgrade is taken. */
  onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean | Promise<boolean>;
}

export interface Guards {
  readonly gate: AddressGate;
  readonly cors: ProjectCors;
  readonly firewall: FirewallGuard;
}

/** More than any browser or client of ours sends; Node would leave out, without a word, what comes after its own limit. */
export const MAX_HEADERS = 100;

/**
 * A listener that is asked only for what its guards let through: by the number of headers, by address and country, by the
 * firewall. Nothing waits but requests that somebody has rules for, or that look like attacks.
 */
export function guardListener({ gate, cors, firewall }: Guards, listener: Listener): Listener {
  const tooMany = (req: IncomingMessage): AerostackError | null =>
    req.rawHeaders.length <= MAX_HEADERS * 2
      ? null
      : new AerostackError("HEADERS_TOO_LARGE", { message: `A request may have ${MAX_HEADERS} headers.` });

  function refuse(req: IncomingMessage, res: ServerResponse, error: AerostackError): true {
    answerError(req, res, error, acceptRequestId(undefined));
    return true;
  }

  function refuseSwitch(req: IncomingMessage, socket: Duplex, error: AerostackError): true {
    const requestId = acceptRequestId(undefined);
    refuseUpgrade(socket, error, renderError(req.url ?? "/", error, requestId).body, requestId);
    return true;
  }

  function afterGate(req: IncomingMessage, res: ServerResponse): boolean | Promise<boolean> {
    const refused = firewall.isRefused(req, res);
    if (refused instanceof Promise) return refused.then((isRefused) => isRefused || listener.onRequest(req, res));
    return refused || listener.onRequest(req, res);
  }

  async function afterWaiting(
    req: IncomingMessage,
    res: ServerResponse,
    gating: ReturnType<AddressGate>,
    preparing: ReturnType<ProjectCors>,
  ): Promise<boolean> {
    // Headers for pages of other origins that cannot be found out now are left out: the answer is the same.
    await preparing?.catch(() => undefined);
    const error = await gating;
    return error === null ? await afterGate(req, res) : refuse(req, res, error);
  }

  function upgradeAfterGate(req: IncomingMessage, socket: Duplex, head: Buffer): boolean | Promise<boolean> {
    const refused = firewall.isUpgradeRefused(req, socket);
    if (refused instanceof Promise) {
      return refused.then((isRefused) => isRefused || listener.onUpgrade(req, socket, head));
    }
    return refused || listener.onUpgrade(req, socket, head);
  }

  return {
    onRequest(req, res) {
      const error = tooMany(req);
      if (error !== null) return refuse(req, res, error);
      const gating = gate(req);
      const preparing = cors(req, res);
      return gating === null && preparing === null ? afterGate(req, res) : afterWaiting(req, res, gating, preparing);
    },
    onUpgrade(req, socket, head) {
      const error = tooMany(req);
      if (error !== null) return refuseSwitch(req, socket, error);
      const gating = gate(req);
      if (gating === null) return upgradeAfterGate(req, socket, head);
      socket.on("error", () => socket.destroy());
      return gating.then((refused) =>
        refused === null ? upgradeAfterGate(req, socket, head) : refuseSwitch(req, socket, refused),
      );
    },
  };
}
