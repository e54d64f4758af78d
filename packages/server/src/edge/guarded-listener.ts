import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { refuseUpgrade } from "../kernel/refuse-upgrade.ts";
import type { AddressGate } from "./address-gate.ts";
import type { BlockGate } from "./block-gate.ts";
import type { EndBlocked } from "./end-blocked.ts";
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
  /** Whom the people who run the installation keep out. */
  readonly blocks: BlockGate;
  readonly gate: AddressGate;
  readonly cors: ProjectCors;
  readonly firewall: FirewallGuard;
  /** Told of what all of them let in, to end it when its caller is blocked meanwhile. */
  readonly letIn: EndBlocked["letIn"];
}

/** More than any browser or client of ours sends; Node would leave out, without a word, what comes after its own limit. */
export const MAX_HEADERS = 100;

/**
 * A listener that is asked only for what its guards let through: by the number of headers, by address and country, by the
 * firewall. Nothing waits but requests that somebody has rules for, or that look like attacks.
 */
export function guardListener({ blocks, gate, cors, firewall, letIn }: Guards, listener: Listener): Listener {
  const refusalAtGate = firstOf(blocks, gate);

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

  function serve(req: IncomingMessage, res: ServerResponse): boolean | Promise<boolean> {
    letIn(req, res);
    return listener.onRequest(req, res);
  }

  function afterGate(req: IncomingMessage, res: ServerResponse): boolean | Promise<boolean> {
    const refused = firewall.isRefused(req, res);
    if (refused instanceof Promise) return refused.then((isRefused) => isRefused || serve(req, res));
    return refused || serve(req, res);
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
    const serveSwitch = (): boolean | Promise<boolean> => {
      letIn(req);
      return listener.onUpgrade(req, socket, head);
    };
    if (refused instanceof Promise) return refused.then((isRefused) => isRefused || serveSwitch());
    return refused || serveSwitch();
  }

  return {
    onRequest(req, res) {
      const error = tooMany(req);
      if (error !== null) return refuse(req, res, error);
      const gating = refusalAtGate(req);
      const preparing = cors(req, res);
      return gating === null && preparing === null ? afterGate(req, res) : afterWaiting(req, res, gating, preparing);
    },
    onUpgrade(req, socket, head) {
      const error = tooMany(req);
      if (error !== null) return refuseSwitch(req, socket, error);
      const gating = refusalAtGate(req);
      if (gating === null) return upgradeAfterGate(req, socket, head);
      socket.on("error", () => socket.destroy());
      return gating.then((refused) =>
        refused === null ? upgradeAfterGate(req, socket, head) : refuseSwitch(req, socket, refused),
      );
    },
  };
}

/** Blocks first: whoever is kept out is not counted for a project's own limits. */
function firstOf(blocks: BlockGate, gate: AddressGate): AddressGate {
  return (req) => {
    const blocked = blocks(req);
    if (blocked === null) return gate(req);
    if (blocked instanceof AerostackError) return Promise.resolve(blocked);
    return blocked.then((error) => error ?? gate(req));
  };
}
