import type { Socket } from "node:net";
import type { Readable } from "node:stream";

export interface BodyEvents {
  /** All of it is handed to the socket. */
  onEnd(): void;
  onError(error: Error): void;
}

const LINE_END = "\r\n";

/**
 * Writes a request's body to the socket as it comes, and holds its source back while the socket is full.
 *
 * @param isChunked whether its length was not announced (RFC 9112, section 7.1)
 * @returns ends the transfer where it stands
 */
export function sendBody(body: Readable, socket: Socket, isChunked: boolean, events: BodyEvents): () => void {
  const onData = (chunk: Buffer): void => {
    if (chunk.length === 0) return;
    let hasRoom: boolean;
    if (isChunked) {
      socket.cork();
      socket.write(chunk.length.toString(16) + LINE_END, "latin1");
      socket.write(chunk);
      hasRoom = socket.write(LINE_END, "latin1");
      socket.uncork();
    } else hasRoom = socket.write(chunk);
    if (!hasRoom) body.pause();
  };
  const onDrain = (): void => void body.resume();
  const onEnd = (): void => {
    stop();
    if (isChunked) socket.write("0\r\n\r\n", "latin1");
    events.onEnd();
  };
  const onError = (error: Error): void => {
    stop();
    events.onError(error);
  };
  const onClose = (): void => onError(new Error("the request's body ended early"));
  function stop(): void {
    body.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
    socket.off("drain", onDrain);
  }
  body.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
  socket.on("drain", onDrain);
  return stop;
}
