import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AerostackError, PLANS, type Plan, type RealtimeLimits } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { isBlocked } from "../front-door/blocks/keep-out.ts";
import type { Logger } from "../kernel/log.ts";
import type { Slots } from "../kernel/slots/slots.ts";
import { NOT_VALID_ANY_MORE, RealtimeConnection, TOO_BIG, TOO_MANY } from "./connection.ts";
import type { FrameHandler } from "./frame-handler.ts";
import {
  type Admitted,
  createHandshake,
  type HandshakeOptions,
  holdCredentials,
  REALTIME_PATH,
  selectProtocol,
} from "./handshake.ts";
import type { Hub } from "./hub.ts";
import type { Sessions } from "./sessions.ts";

export interface SocketsOptions {
  readonly handshake: HandshakeOptions;
  readonly hub: Hub<RealtimeConnection>;
  readonly frames: FrameHandler;
  readonly sessions: Sessions;
  readonly slots: Slots;
  readonly planOf: (projectId: string) => Plan | Promise<Plan>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Clients ping every 30 seconds. */
const SILENT_AFTER_MS = 90_000;
const PING_AFTER_MS = 40_000;
const SWEEP_MS = 5_000;
const GOING_AWAY = 1001;
const LARGEST_MESSAGE_BYTES = Math.max(...Object.values(PLANS).map(({ realtime }) => realtime.messageBytes));

export const slotOf = (projectId: string): string => `realtime:${projectId}`;

export function tooManyConnections({ connections }: RealtimeLimits): AerostackError {
  return new AerostackError("RATE_LIMIT_EXCEEDED", {
    message: `The project has ${connections} connections open, as many as its plan allows.`,
    fix: "Close connections that are not needed, or choose a larger plan.",
  });
}

/** Clients' WebSockets, from the handshake to the end: what each may use is its project's plan to say. */
export function createSockets(options: SocketsOptions) {
  const { hub, frames, sessions, slots, planOf, clock, log } = options;
  const admit = createHandshake(options.handshake);
  // A plan may change while a connection is open, the size that a socket takes may not: that of the plan is checked here.
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: LARGEST_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: selectProtocol,
  });

  function open(webSocket: WebSocket, admitted: Admitted, limits: RealtimeLimits): void {
    const { tokenRefusal, ...facts } = admitted;
    const now = clock.now();
    const connection = new RealtimeConnection({ ...facts, id: createId("con", now), socket: webSocket, limits, now });
    hub.add(connection);
    // One after another: a subscription that is still being checked holds back the message behind it.
    let turn: Promise<void> = sessions.open(connection).catch((err: unknown) => {
      log.warn({ err }, "subscriptions were not restored");
    });
    if (tokenRefusal !== null) {
      connection.send({ type: "error", code: tokenRefusal.code, message: tokenRefusal.message });
    }
    webSocket.on("message", (data: RawData, isBinary: boolean) => {
      renewLimits(connection);
      if (sizeOf(data) > connection.limits.messageBytes) {
        connection.close(TOO_BIG, "the message is too large");
        return;
      }
      if (!connection.mayReceive()) {
        connection.close(TOO_MANY, "too many messages");
        return;
      }
      if (isBinary) {
        connection.send({ type: "error", code: "REQUEST_MALFORMED", message: "Messages are text." });
        return;
      }
      const text = data.toString();
      turn = turn.then(() => frames.receive(connection, text));
    });
    webSocket.on("error", () => {});
    webSocket.on("close", () => {
      sessions.close(connection);
      frames.leave(connection);
      hub.remove(connection);
    });
  }

  /** Takes the upgrade, or throws why not. */
  async function accept(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const admitted = await admit(req);
    const { id } = admitted.project;
    const { realtime } = await planOf(id);
    const slot = slotOf(id);
    if (!(await slots.take(slot, realtime.connections))) throw tooManyConnections(realtime);
    if (socket.destroyed) {
      slots.release(slot);
      return;
    }
    // Whatever becomes of the upgrade, its socket closes once.
    socket.once("close", () => slots.release(slot));
    server.handleUpgrade(req, socket, head, (webSocket) => open(webSocket, admitted, realtime));
  }

  /** In memory, at most a second old: what is older counts from the next message on. */
  function renewLimits(connection: RealtimeConnection): void {
    const plan = planOf(connection.project.id);
    if (!(plan instanceof Promise)) connection.limits = plan.realtime;
    else
      plan.then(
        ({ realtime }) => {
          connection.limits = realtime;
        },
        // Where the database does not answer, what was known goes on.
        () => {},
      );
  }

  async function checkCredentials(connection: RealtimeConnection): Promise<void> {
    // Where the database does not answer, nobody is sent away for it.
    const { id } = connection.project;
    const hold = await holdCredentials(options.handshake, id, connection.credentials).catch(
      (error: unknown) => !isBlocked(error),
    );
    if (!hold) connection.close(NOT_VALID_ANY_MORE, "the credential is not valid any more");
    else await frames.leaveClosedTopics(connection);
  }

  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of hub.all()) {
      if (connection.heardAt < now - SILENT_AFTER_MS) connection.close(GOING_AWAY, "silent");
      else {
        if (connection.heardAt < now - PING_AFTER_MS) connection.ping();
        void checkCredentials(connection);
      }
    }
  }, SWEEP_MS);
  sweep.unref();

  return {
    /** True when the upgrade is taken. */
    handleUpgrade(
      req: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      refuse: (error: AerostackError) => void,
    ): boolean {
      const path = (req.url ?? "/").split("?", 1)[0];
      if (path !== REALTIME_PATH) return false;
      accept(req, socket, head).catch((cause: unknown) => {
        refuse(cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause }));
      });
      return true;
    },

    /** Tells every client that the server goes away, so that it looks for another. */
    close(): void {
      clearInterval(sweep);
      for (const connection of hub.all()) connection.close(GOING_AWAY, "the server stops");
    },
  };
}

function sizeOf(data: RawData): number {
  return Array.isArray(data) ? data.reduce((sum, part) => sum + part.length, 0) : data.byteLength;
}
