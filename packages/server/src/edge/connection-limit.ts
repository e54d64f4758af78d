import type { Server } from "node:http";
import type { Socket } from "node:net";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import { normaliseAddress } from "./client-address.ts";

export interface ConnectionLimit {
  /** Connections that one address may have open; 0 is no limit. */
  readonly perAddress: number;
  /** Addresses that speak for many: trusted proxies, and this machine. */
  readonly isExempt: (address: string) => boolean;
  readonly onRefused?: (address: string) => void;
}

/** Closes connections beyond what one address may have open, before anything is read from them. */
export function limitConnections(server: Server, { perAddress, isExempt, onRefused }: ConnectionLimit): void {
  if (perAddress === 0) return;
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = normaliseAddress(socket.remoteAddress ?? "");
    if (isExempt(address)) return;
    const key = limitKeyOfAddress(address);
    const count = (open.get(key) ?? 0) + 1;
    if (count > perAddress) {
      onRefused?.(address);
      socket.destroy();
      return;
    }
    open.set(key, count);
    socket.once("close", () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left === 0) open.delete(key);
      else open.set(key, left);
    });
  });
}
