import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { FirewallGuard } from "./firewall-guard.ts";

export interface Listener {
  /** True when the request is taken. */
  onRequest(req: IncomingMessage, res: ServerResponse): boolean | Promise<boolean>;
  /** True when the upgrade is taken. */
  onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean | Promise<boolean>;
}

/** A listener that is asked only for what the firewall lets through. Nothing waits but requests that look like attacks. */
export function guardListener(guard: FirewallGuard, listener: Listener): Listener {
  return {
    onRequest(req, res) {
      const refused = guard.isRefused(req, res);
      if (refused instanceof Promise) return refused.then((isRefused) => isRefused || listener.onRequest(req, res));
      return refused || listener.onRequest(req, res);
    },
    onUpgrade(req, socket, head) {
      const refused = guard.isUpgradeRefused(req, socket);
      if (refused instanceof Promise)
        return refused.then((isRefused) => isRefused || listener.onUpgrade(req, socket, head));
      return refused || listener.onUpgrade(req, socket, head);
    },
  };
}
