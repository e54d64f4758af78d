import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isBlocked } from "../front-door/blocks/keep-out.ts";
import type { Principal } from "../keys/principal.ts";
import type { BlockGate } from "./block-gate.ts";

export interface EndBlockedOptions {
  /** Grows when somebody was blocked, here or by another server. */
  readonly revision: () => number | Promise<number>;
  readonly gate: BlockGate;
  readonly callerOf: (req: IncomingMessage) => { readonly ip: string };
  /** @throws BLOCKED for a credential that is blocked */
  readonly principalOf: (req: IncomingMessage, clientAddress: string) => Principal | null | Promise<Principal | null>;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}

/** Ends what somebody has open who was blocked after it began: WebSockets, streams of events, long answers. */
export interface EndBlocked {
  /** A request that was let in; `res` is left out where it switches protocols. Costs one entry of a map. */
  letIn(req: IncomingMessage, res?: ServerResponse): void;
  /** Looks now. */
  look(): Promise<void>;
  close(): void;
}

const LOOK_EVERY_MS = 2_000;

interface Open {
  readonly req: IncomingMessage;
  readonly res: ServerResponse | undefined;
}

/**
 * Of each connection the newest request is kept, which is the only one that can still be served. They are asked again when
 * blocks have changed, and not otherwise: a request that came later was asked already.
 */
export function createEndBlocked(options: EndBlockedOptions): EndBlocked {
  const { gate, callerOf, principalOf, onError } = options;
  const open = new Map<Socket, Open>();
  let seenRevision = -1;

  const isServed = ({ res }: Open): boolean => res === undefined || !res.writableFinished;

  async function isKeptOut(req: IncomingMessage): Promise<boolean> {
    if (isBlocked(await gate(req))) return true;
    try {
      await principalOf(req, callerOf(req).ip);
      return false;
    } catch (error) {
      return isBlocked(error);
    }
  }

  async function look(): Promise<void> {
    if (!open.values().some(isServed)) return;
    const revision = await options.revision();
    if (revision === seenRevision) return;
    seenRevision = revision;
    for (const [socket, one] of [...open]) {
      if (isServed(one) && (await isKeptOut(one.req))) socket.destroy();
    }
  }

  const timer = setInterval(() => void look().catch(onError), options.everyMs ?? LOOK_EVERY_MS);
  timer.unref();

  return {
    letIn(req, res) {
      const { socket } = req;
      if (!open.has(socket)) socket.once("close", () => open.delete(socket));
      open.set(socket, { req, res });
    },
    look,
    close: () => clearInterval(timer),
  };
}
