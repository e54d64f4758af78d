import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { refuseUpgrade } from "../kernel/refuse-upgrade.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import { handshakeOnApiOrigin } from "./api-origin.ts";
import type { AdmittedCall, AssetCall, Caller, CallHandler } from "./call-handler.ts";
import { withoutApiKeyParameter } from "./forwarded-headers.ts";
import type { FunctionAddress } from "./function-address.ts";
import { functionProtocols, platformProtocol } from "./websocket-protocols.ts";

export interface UpgradeHandlerOptions {
  readonly calls: Pick<CallHandler, "admit">;
  readonly log: (entry: NewLogEntry) => void;
  /** Body of an error in the shape of the address's interface. */
  readonly renderError: (url: string, error: AerostackError, requestId: string) => string;
  readonly now: () => number;
}

export interface UpgradeHandler {
  /** Serves one upgrade request; the log line tells how the handshake ended. */
  handle(req: IncomingMessage, socket: Duplex, head: Buffer, address: FunctionAddress, caller: Caller): void;
  /** Tells every open WebSocket that the server is going away, and closes it. */
  closeAll(): void;
}

const STATUS_LINE = /^HTTP\/1\.1 (\d{3})/;
const SWITCHING_PROTOCOLS = 101;
const BAD_GATEWAY = 502;
const END_OF_HEAD = "\r\n\r\n";
/** A response head larger than this is none. */
const MAX_HEAD_BYTES = 64 * 1024;
/** A WebSocket close frame with the code 1001, "going away" (RFC 6455, sections 5.5.1 and 7.4.1). */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);

/** The upgrade request as the function's process reads it. Node's parser has refused line breaks in names and values. */
function requestHead(req: IncomingMessage, call: AdmittedCall): string {
  const lines = [
    `${req.method ?? "GET"} ${call.path} HTTP/1.1`,
    "Connection: Upgrade",
    `Upgrade: ${req.headers.upgrade ?? "websocket"}`,
  ];
  for (let i = 0; i + 1 < call.headers.length; i += 2) {
    const name = call.headers[i];
    if (name !== "sec-websocket-protocol") lines.push(`${name}: ${call.headers[i + 1]}`);
  }
  const protocols = functionProtocols(req.headers["sec-websocket-protocol"]);
  if (protocols !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocols}`);
  return `${lines.join("\r\n")}${END_OF_HEAD}`;
}

/** The function's answer with the platform's sub-protocol, where one was offered and the function selected none. */
function answerHead(head: string, req: IncomingMessage): string {
  const protocol = platformProtocol(req.headers["sec-websocket-protocol"]);
  if (protocol === undefined || !head.startsWith("HTTP/1.1 101") || /\r\nsec-websocket-protocol:/i.test(head))
    return head;
  return `${head.slice(0, -END_OF_HEAD.length)}\r\nSec-WebSocket-Protocol: ${protocol}${END_OF_HEAD}`;
}

/** Reads from the process until the head of its answer is whole, and hands over the head and what came after it. */
function readHead(upstream: Socket, onHead: (head: string, rest: Buffer) => void): void {
  let seen = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf(END_OF_HEAD);
    if (end === -1 && seen.length <= MAX_HEAD_BYTES) return;
    upstream.off("data", onData);
    upstream.pause();
    const length = end === -1 ? seen.length : end + END_OF_HEAD.length;
    onHead(seen.toString("latin1", 0, length), seen.subarray(length));
  };
  upstream.on("data", onData);
}

/**
 * Takes WebSocket (and other upgrade) requests to functions: after the same checks as any call, the two sockets are joined
 * and the bytes pass untouched, each side held back by the other's pace.
 */
export function createUpgradeHandler(options: UpgradeHandlerOptions): UpgradeHandler {
  const open = new Set<Duplex>();

  function refuse(req: IncomingMessage, socket: Duplex, error: AerostackError, requestId: string): void {
    refuseUpgrade(socket, error, options.renderError(req.url ?? "/", error, requestId), requestId);
  }

  function join(
    req: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    call: AdmittedCall,
    prefix: string,
    onStatus: (status: number) => void,
  ): void {
    const flight = call.runtimeRoute.begin("socket");
    const upstream = connect(call.runtimeRoute.socketPath);
    let status = 0;
    let over = false;
    const finish = (): void => {
      if (over) return;
      over = true;
      open.delete(socket);
      flight.end();
      if (status === 0) onStatus(BAD_GATEWAY);
    };
    const abort = (): void => {
      finish();
      socket.destroy();
      upstream.destroy();
    };
    upstream.write(requestHead(req, call));
    if (head.length > 0) upstream.write(head);
    readHead(upstream, (sent, rest) => {
      const answer = prefix === "" ? sent : handshakeOnApiOrigin(sent);
      status = Number(STATUS_LINE.exec(answer)?.[1] ?? BAD_GATEWAY);
      onStatus(status);
      if (status === SWITCHING_PROTOCOLS) open.add(socket);
      socket.write(Buffer.from(answerHead(answer, req), "latin1"));
      if (rest.length > 0) socket.write(rest);
      upstream.pipe(socket);
    });
    socket.pipe(upstream);
    socket.on("error", abort).on("close", abort);
    upstream.on("error", abort);
    upstream.on("close", () => {
      finish();
      // Not destroyed: what the function sent last may still be on its way to the client.
      socket.end();
    });
  }

  function handle(req: IncomingMessage, socket: Duplex, head: Buffer, address: FunctionAddress, caller: Caller): void {
    const startedAt = performance.now();
    const time = options.now();
    const seen: Parameters<CallHandler["admit"]>[3] = {};
    const record = (status: number, error?: AerostackError): void => {
      if (seen.project === undefined) return;
      options.log({
        projectId: seen.project.id,
        time,
        kind: "request",
        level: status === SWITCHING_PROTOCOLS ? "info" : "warn",
        message: error === undefined ? "" : `${error.code}: ${error.message}`,
        requestId: caller.requestId,
        functionName: address.functionName,
        environment: address.environment,
        version: seen.version ?? null,
        method: req.method ?? null,
        path: withoutApiKeyParameter(address.path),
        status,
        latencyMs: performance.now() - startedAt,
        keyId: seen.key?.credentialId ?? null,
        ip: caller.ip,
        region: caller.region,
      });
    };
    socket.on("error", () => socket.destroy());
    const admitted = new Promise<AdmittedCall | AssetCall>((resolve) => {
      resolve(options.calls.admit(req, address, caller, seen));
    });
    admitted.then(
      (call) => {
        if ("asset" in call) socket.destroy();
        else join(req, socket, head, call, address.prefix, record);
      },
      (cause: unknown) => {
        const error = cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause });
        record(error.status, error);
        refuse(req, socket, error, caller.requestId);
      },
    );
  }

  return {
    handle,
    closeAll() {
      for (const socket of open) socket.end(GOING_AWAY);
      open.clear();
    },
  };
}
