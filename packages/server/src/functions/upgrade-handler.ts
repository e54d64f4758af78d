import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import type { AdmittedCall, AssetCall, Caller, CallHandler } from "./call-handler.ts";
import { withoutApiKeyParameter } from "./forwarded-headers.ts";
import type { FunctionAddress } from "./function-address.ts";

export interface UpgradeHandlerOptions {
  readonly calls: Pick<CallHandler, "admit">;
  readonly log: (entry: NewLogEntry) => void;
  /** Body of an error in the shape of the address's interface. */
  readonly renderError: (url: string, error: AerostackError, requestId: string) => string;
  readonly now: () => number;
}

const STATUS_LINE = /^HTTP\/1\.1 (\d{3})/;
const SWITCHING_PROTOCOLS = 101;
const BAD_GATEWAY = 502;

/** The upgrade request as the function's process reads it. Node's parser has refused line breaks in names and values. */
function requestHead(req: IncomingMessage, call: AdmittedCall): string {
  const lines = [
    `${req.method ?? "GET"} ${call.path} HTTP/1.1`,
    "Connection: Upgrade",
    `Upgrade: ${req.headers.upgrade ?? "websocket"}`,
  ];
  for (let i = 0; i + 1 < call.headers.length; i += 2) lines.push(`${call.headers[i]}: ${call.headers[i + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * Takes WebSocket (and other upgrade) requests to functions: after the same checks as any call, the two sockets are joined
 * and the bytes pass untouched, each side held back by the other's pace.
 */
export function createUpgradeHandler(options: UpgradeHandlerOptions) {
  function refuse(req: IncomingMessage, socket: Duplex, error: AerostackError, requestId: string): void {
    if (socket.destroyed) return;
    const body = options.renderError(req.url ?? "/", error, requestId);
    socket.end(
      [
        `HTTP/1.1 ${error.status} Refused`,
        "Content-Type: application/json",
        `Content-Length: ${Buffer.byteLength(body)}`,
        `X-Request-Id: ${requestId}`,
        "Connection: close",
        "",
        body,
      ].join("\r\n"),
    );
  }

  function join(
    req: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    call: AdmittedCall,
    onStatus: (status: number) => void,
  ): void {
    const flight = call.runtimeRoute.begin("socket");
    const upstream = connect(call.runtimeRoute.socketPath);
    let status = 0;
    let over = false;
    const finish = (): void => {
      if (over) return;
      over = true;
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
    upstream.once("data", (first: Buffer) => {
      status = Number(STATUS_LINE.exec(first.toString("latin1", 0, 32))?.[1] ?? BAD_GATEWAY);
      onStatus(status);
      socket.write(first);
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

  /** Serves one upgrade request; the log line tells how the handshake ended. */
  return function handleUpgrade(
    req: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: FunctionAddress,
    caller: Caller,
  ): void {
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
        else join(req, socket, head, call, record);
      },
      (cause: unknown) => {
        const error = cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause });
        record(error.status, error);
        refuse(req, socket, error, caller.requestId);
      },
    );
  };
}
