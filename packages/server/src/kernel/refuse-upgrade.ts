import type { Duplex } from "node:stream";
import type { AerostackError } from "@aerostack/contracts";

/** Answers an upgrade request that is not taken, with an error in the shape of its address, and ends the connection. */
export function refuseUpgrade(socket: Duplex, error: AerostackError, body: string, requestId: string): void {
  if (socket.destroyed) return;
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
